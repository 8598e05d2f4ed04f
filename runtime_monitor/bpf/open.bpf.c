/* Opens for writing: the object from the returned descriptor, or, where the call was refused, the argument. */
#include "lib/call.bpf.h"
#include "lib/tree.bpf.h"
#include "lib/written.bpf.h"

const volatile int tell_reads;
enum { O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000, WRITES = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };

/* openat2 has its flags in memory (struct open_how), creat has none: it always writes. */
INLINE __u64 intent(const volatile struct call *call, struct pt_regs *regs, int compat)
{
	if (call->flags >= 0)
		return call_argument(regs, compat, call->flags);
	__u64 flags = O_CREAT | O_WRONLY | O_TRUNC;
	if (call->flags < NOWHERE)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)call_argument(regs, compat, -call->flags));
	return flags;
}

INLINE void remember_created(struct task_struct *task, struct event *event)
{
	struct written_key key = {task->tgid, event->descriptor};
	struct written written = {
		.inode = event->inode,
		.told = bpf_ktime_get_boot_ns(),
		.device = event->device,
		.root = event->root,
		.created = 1,
	};
	bpf_map_update_elem(&writes, &key, &written, BPF_ANY);
	mark_writer(&key);
}

INLINE void opened(const volatile struct call *call, struct pt_regs *regs, long result, __u64 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file = file_of_descriptor(task, result);
	if (!file)
		return;
	__u32 mode = READ(file, f_mode), found = 0;
	int writes = mode & (FMODE_WRITE | FMODE_CREATED) || flags & O_TRUNC;
	if (!writes && !tell_reads)
		return;
	__u32 device = superblock_device(READ(READ(file, f_inode), i_sb));
	__u32 root = root_state(device) ? device : 0;
	if (!root && writes)
		root = found = root_of_tree(READ(file, f_path.dentry), device);
	if (!root)
		return;
	struct record *record = record_call(KIND_OPEN, regs, result, root);
	if (!record)
		return;
	struct event *event = &record->event;
	event->descriptor = result;
	event->open_flags = flags;
	if (writes)
		event->flags |= FLAG_WRITE;
	if (mode & FMODE_CREATED)
		event->flags |= FLAG_CREATED;
	if (found)
		event->flags |= FLAG_TREE;
	record_file(record, file, task);
	if (call->path >= 0)
		record_user_string(record, PIECE_ARGUMENT, call_argument(regs, is_compat(task), call->path));
	if (mode & FMODE_CREATED && event->flags & FLAG_ON_ROOT)
		remember_created(task, event);
	record_tell(record);
}

INLINE void refused(const volatile struct call *call, struct pt_regs *regs, long result, __u64 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task), directory = AT_FDCWD;
	if (!(flags & WRITES) || call->path < 0)
		return;
	__u64 path = call_argument(regs, compat, call->path);
	if (call->directory >= 0)
		directory = call_argument(regs, compat, call->directory);
	struct dentry *start = start_of_path(task, directory, path);
	__u32 root = dentry_root(start);
	if (!root)
		return;
	struct record *record = record_call(KIND_OPEN, regs, result, root);
	if (!record)
		return;
	record->event.open_flags = flags;
	record->event.flags |= FLAG_WRITE;
	record_path_on_superblock(record, PIECE_BASE, start);
	record_user_string(record, PIECE_ARGUMENT, path);
	record_tell(record);
}

SEC("tp_btf/sys_exit")
int follow_open(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	const volatile struct call *call = &calls[call_index(regs, compat)];
	__u64 flags = intent(call, regs, compat);
	long result = context[1];
	if (result < 0)
		refused(call, regs, result, flags);
	else
		opened(call, regs, result, flags);
	return 0;
}
