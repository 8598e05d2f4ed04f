/* Writes to files on containers' roots, by whatever descriptor: one's own or one from outside. */
#include "lib/call.bpf.h"
#include "lib/written.bpf.h"

INLINE void first_write(struct pt_regs *regs, struct file *file, struct written_key *key, __u64 bytes)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode = READ(file, f_inode);
	__u32 device = superblock_device(READ(inode, i_sb));
	if (!root_state(device) || (READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return;
	struct written written = {
		.file = (__u64)file,
		.inode = READ(inode, i_ino),
		.told = bpf_ktime_get_boot_ns(),
		.start = task->group_leader->start_boottime,
		.device = device,
		.root = device,
	};
	remember_written(key, &written, task->pid);
	struct record *record = record_call(KIND_FILE, regs, bytes, device);
	if (!record)
		return;
	record->event.descriptor = key->descriptor;
	record->event.written = bytes;
	record->event.writes = 1;
	record_file(record, file, task);
	record_tell(record);
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
	struct written_key key = {task->tgid, call_argument(regs, compat, call->descriptor)};
	struct file *file = file_of_descriptor(task, key.descriptor);
	if (!file)
		return 0;
	struct written *known = known_writes(&key, file);
	if (known)
		count_write(known, bytes);
	else
		first_write(regs, file, &key, bytes);
	return 0;
}

SEC("tp_btf/sys_exit")
int follow_close(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	struct written_key key = {task->tgid, is_compat(task) ? regs->bx : regs->di};
	forget_written(&key, task->pid);
	return 0;
}
