/* Counts of further writes whose file stays open: told when user space runs this program, which it does from time to time. */
#include "lib/written.bpf.h"

struct sweep {
	__u64 before; /* ns since boot: counting that began later goes on */
	__u64 now;
};

static long sweep_step(void *map, struct written_key *key, struct written *written, struct sweep *given)
{
	if (written->told > given->before || !written->writes)
		return 0;
	struct written_key known = *key;
	written->told = given->now;
	record_summary(&known, written, known.process);
	return 0;
}

SEC("syscall")
int sweep(struct sweep *context)
{
	struct sweep given = {context->before, bpf_ktime_get_boot_ns()};
	bpf_for_each_map_elem(&writes, sweep_step, &given, 0);
	return 0;
}
