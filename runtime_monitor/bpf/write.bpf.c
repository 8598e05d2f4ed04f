/* Writes to files on containers' roots, by whatever descriptor: one's own or one from outside. */
#include "lib/call.bpf.h"
#include "lib/written.bpf.h"

enum { SUMMARY_AFTER_SECONDS = 10 };
#define SUMMARY_AFTER (SUMMARY_AFTER_SECONDS * 1000000000ULL)

INLINE void first_write(struct pt_regs *regs, struct file *file, struct written_key *key, struct written *written)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bpf_map_update_elem(&writes, key, written, BPF_ANY);
	mark_writer(key);
	struct record *record = record_call(KIND_FILE, regs, written->bytes, written->root);
	if (!record)
		return;
	record->event.descriptor = key->descriptor;
	record->event.written = written->bytes;
	record->event.writes = 1;
	record_file(record, file, task);
	record_tell(record);
}

INLINE void further_write(struct written_key *key, struct written *known, long bytes)
{
	__u64 now = bpf_ktime_get_boot_ns();
	known->bytes += bytes;
	known->writes++;
	if (now - known->told < SUMMARY_AFTER)
		return;
	record_summary(bpf_get_current_task_btf(), key, known);
	known->bytes = 0;
	known->writes = 0;
	known->told = now;
}

SEC("tp_btf/sys_exit")
int follow_write(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	const volatile struct call *call = &calls[call_index(regs, compat)];
	long bytes = context[1];
	if (bytes <= 0)
		return 0;
	__u32 descriptor = call_argument(regs, compat, call->descriptor);
	struct file *file = file_of_descriptor(task, descriptor);
	if (!file)
		return 0;
	struct inode *inode = READ(file, f_inode);
	__u32 device = superblock_device(READ(inode, i_sb));
	if (!root_state(device) || (READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	struct written_key key = {task->tgid, descriptor};
	__u64 number = READ(inode, i_ino);
	struct written *known = known_writes(&key, number, device);
	if (known) {
		further_write(&key, known, bytes);
		return 0;
	}
	struct written written = {
		.inode = number,
		.bytes = bytes,
		.told = bpf_ktime_get_boot_ns(),
		.device = device,
		.root = device,
	};
	first_write(regs, file, &key, &written);
	known = bpf_map_lookup_elem(&writes, &key);
	if (known)
		known->bytes = 0;
	return 0;
}

SEC("tp_btf/sys_exit")
int follow_close(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	struct written_key key = {task->tgid, is_compat(task) ? regs->bx : regs->di};
	forget_written(task, &key);
	return 0;
}
