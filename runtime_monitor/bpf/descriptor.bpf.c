/* Changes by a descriptor that are told each time: size, blocks, mode, owner, attributes, shared writable mappings. */
#include "lib/call.bpf.h"
#include "lib/tree.bpf.h"
#include "lib/written.bpf.h"

/* A mode that makes a program of a file, or gives it its owner's rights, is told whosever file it is. */
enum { TELLING_MODE = 07111 };

INLINE int counted(struct pt_regs *regs, struct file *file, __u32 descriptor)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	const volatile struct call *call = &calls[call_index(regs, compat)];
	if (call->slot != SLOT_DESCRIPTOR || (call->flags >= 0 && call_argument(regs, compat, call->flags) & TELLING_MODE))
		return 0;
	struct written_key key = {task->tgid, descriptor};
	struct written *known = known_writes(&key, file);
	if (!known || !known->created)
		return 0;
	count_write(known, 0);
	return 1;
}

INLINE int follow(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	const volatile struct call *call = &calls[call_index(regs, compat)];
	__u32 descriptor = call_argument(regs, compat, call->descriptor), found = 0;
	struct file *file = file_of_descriptor(task, descriptor);
	if (!file || ((long)context[1] >= 0 && counted(regs, file, descriptor)))
		return 0;
	__u32 device = superblock_device(READ(READ(file, f_inode), i_sb));
	__u32 root = root_state(device) ? device : 0;
	if (!root)
		root = found = root_of_tree(READ(file, f_path.dentry), device);
	if (!root)
		return 0;
	struct record *record = record_call(KIND_FILE, regs, context[1], root);
	if (!record)
		return 0;
	record->event.descriptor = descriptor;
	if (found)
		record->event.flags |= FLAG_TREE;
	record_file(record, file, task);
	record_tell(record);
	return 0;
}

SEC("tp_btf/sys_exit")
int follow_descriptor(__u64 *context)
{
	return follow(context);
}

/* `dispatch` has seen that the mapping is shared and writable; its stores are seen by nobody. */
SEC("tp_btf/sys_exit")
int follow_mmap(__u64 *context)
{
	return follow(context);
}
