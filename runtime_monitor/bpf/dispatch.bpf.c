/* The one program that every system call runs at its exit: it leaves at once unless the call can change a file or a rule
   asks for it.

   One raw sys_exit rather than a tracepoint a call: those do not see 32-bit calls (arch_trace_is_compat_syscall), and
   what they save on other calls is in tests/bench/results/sensor.json. */
#include "lib/call.bpf.h"
#include "lib/filter.bpf.h"

enum { O_ACCMODE = 3, O_CREAT = 0100, O_TRUNC = 01000, O_TMPFILE = 020000000 };
enum { PROT_WRITE = 2, MAP_SHARED = 1 };

SEC("tp_btf/sys_exit")
int dispatch(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	__u64 number = regs->orig_ax;
	__u32 zero = 0;
	struct switches *current = bpf_map_lookup_elem(&switches, &zero);
	if (!current || number >= CALLS || !current->on[number])
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = task->thread_info.status & TS_COMPAT;
	if (!(current->on[number] & (compat ? 2 : 1)))
		return 0;
	const volatile struct call *call = &calls[compat ? number + CALLS : number];
	__u32 slot = call->slot;
	long result = context[1];
	struct filter *filter = slot == SLOT_OPEN ? current_filter() : 0;
	/* Of opens that find nothing, rules about ways upwards want to know. */
	if (result < 0 && !call->every_result && !was_refused(result) && !(filter && filter->failed & filter->upwards))
		return 0;
	if (slot == SLOT_OPEN && call->flags >= 0) {
		__u64 flags = call_argument(regs, compat, call->flags);
		if (!(flags & (O_ACCMODE | O_CREAT | O_TRUNC)) && !(filter && filter->reads))
			return 0;
	}
	if (slot == SLOT_MMAP) {
		if (!(call_argument(regs, compat, 2) & PROT_WRITE) || !(call_argument(regs, compat, 3) & MAP_SHARED))
			return 0;
	}
	bpf_tail_call(context, &followers, slot);
	return 0;
}
