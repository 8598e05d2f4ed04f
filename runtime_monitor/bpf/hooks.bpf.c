/* The trampoline tier: calls by name where the kernel has resolved them, so the path is the object's own.

   One source for both ways to attach: as they stand, to the LSM hooks; where BPF is no LSM, kernel/loader.py loads the
   same programs as fentry on `security_<hook>`, whose leading arguments are the hook's. They only watch: every one
   returns 0. What a call is refused before its hook (EROFS, EACCES) is told at the call's exit, as in the other tier. */
#include "lib/call.bpf.h"
#include "lib/tree.bpf.h"

enum { CAP_CHOWN = 1 << 0, CAP_FOWNER = 1 << 3 };
enum { FMODE_BACKING = 0x2000000 };

/* An overlay works on its layers in its mounter's name; then the effective credentials are not the task's own. */
INLINE int in_a_layer_s_name(struct task_struct *task)
{
	return task->cred != task->real_cred;
}

INLINE __u32 root_of_dentry(struct dentry *dentry, __u32 *in_tree)
{
	__u32 device = superblock_device(READ(dentry, d_sb));
	if (root_state(device))
		return device;
	if (in_a_layer_s_name(bpf_get_current_task_btf()))
		return 0;
	*in_tree = root_of_tree(dentry, device);
	return *in_tree;
}

INLINE void record_dentry(struct record *record, struct dentry *dentry)
{
	struct event *event = &record->event;
	struct inode *inode = READ(dentry, d_inode);
	event->device = superblock_device(READ(dentry, d_sb));
	event->flags |= FLAG_OBJECT;
	if (root_state(event->device))
		event->flags |= FLAG_ON_ROOT;
	if (inode) {
		event->inode = READ(inode, i_ino);
		event->mode = READ(inode, i_mode);
		if (in_upper_layer(inode))
			event->flags |= FLAG_UPPER;
	}
	record_path_on_superblock(record, PIECE_PATH, dentry);
}

/* A record of the system call that this task is in; one that io_uring makes has none, and `call` is 0. */
INLINE struct record *record_hook(__u32 hook, __u32 root, __u32 in_tree)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = bpf_task_pt_regs(task);
	__u32 index = call_index(regs, is_compat(task));
	__u32 slot = calls[index].slot;
	/* What has a descriptor is told at the call's exit, with its result. */
	if (slot == SLOT_DESCRIPTOR || slot == SLOT_OPEN)
		return 0;
	struct record *record = record_call(KIND_HOOK, regs, 0, root);
	if (!record)
		return 0;
	if (slot != SLOT_NAME)
		record->event.call = 0;
	record->event.hook = hook;
	if (in_tree)
		record->event.flags |= FLAG_TREE;
	return record;
}

/* The paths as the call was given them; `target` is a symbolic link's, which names no place. */
INLINE void record_given(struct record *record, const char *target)
{
	const volatile struct call *call = &calls[record->event.call & (CALLS * ABIS - 1)];
	struct pt_regs *regs = bpf_task_pt_regs(bpf_get_current_task_btf());
	int compat = record->event.flags & FLAG_COMPAT;
	if (record->event.call && call->path >= 0)
		record_user_string(record, PIECE_ARGUMENT, call_argument(regs, compat, call->path));
	if (target)
		record_kernel_string(record, PIECE_ARGUMENT2, target);
	else if (record->event.call && call->path2 >= 0)
		record_user_string(record, PIECE_ARGUMENT2, call_argument(regs, compat, call->path2));
}

INLINE int tell_with(__u32 hook, struct dentry *dentry, struct dentry *old, const char *target)
{
	__u32 in_tree = 0, root = root_of_dentry(dentry, &in_tree);
	if (!root)
		return 0;
	struct record *record = record_hook(hook, root, in_tree);
	if (!record)
		return 0;
	record_dentry(record, dentry);
	if (old)
		record_path_on_superblock(record, PIECE_BASE, old);
	record_given(record, target);
	record_tell(record);
	return 0;
}

INLINE int tell(__u32 hook, struct dentry *dentry, struct dentry *old)
{
	return tell_with(hook, dentry, old, 0);
}

/* Owner or capable: others are refused after the hook, and their attempt is told at the exit. */
INLINE int may_change(struct path *path, __u32 capability)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 effective = 0;
	bpf_probe_read_kernel(&effective, sizeof(effective), &task->cred->cap_effective);
	return effective & capability || READ(READ(READ(path, dentry), d_inode), i_uid.val) == task->cred->fsuid.val;
}

SEC("lsm/inode_unlink")
int hook_unlink(__u64 *context)
{
	return tell(HOOK_UNLINK, (void *)context[1], 0);
}

SEC("lsm/inode_rmdir")
int hook_rmdir(__u64 *context)
{
	return tell(HOOK_RMDIR, (void *)context[1], 0);
}

SEC("lsm/inode_mkdir")
int hook_mkdir(__u64 *context)
{
	return tell(HOOK_MKDIR, (void *)context[1], 0);
}

SEC("lsm/inode_mknod")
int hook_mknod(__u64 *context)
{
	return tell(HOOK_MKNOD, (void *)context[1], 0);
}

SEC("lsm/inode_symlink")
int hook_symlink(__u64 *context)
{
	return tell_with(HOOK_SYMLINK, (void *)context[1], 0, (void *)context[2]);
}

SEC("lsm/inode_link")
int hook_link(__u64 *context)
{
	return tell(HOOK_LINK, (void *)context[2], (void *)context[0]);
}

SEC("lsm/inode_rename")
int hook_rename(__u64 *context)
{
	return tell(HOOK_RENAME, (void *)context[3], (void *)context[1]);
}

SEC("lsm/inode_setxattr")
int hook_setxattr(__u64 *context)
{
	return tell(HOOK_SETXATTR, (void *)context[1], 0);
}

SEC("lsm/inode_removexattr")
int hook_removexattr(__u64 *context)
{
	return tell(HOOK_REMOVEXATTR, (void *)context[1], 0);
}

SEC("lsm/path_chmod")
int hook_chmod(__u64 *context)
{
	struct path *path = (void *)context[0];
	return may_change(path, CAP_FOWNER) ? tell(HOOK_CHMOD, READ(path, dentry), 0) : 0;
}

SEC("lsm/path_chown")
int hook_chown(__u64 *context)
{
	struct path *path = (void *)context[0];
	return may_change(path, CAP_CHOWN) ? tell(HOOK_CHOWN, READ(path, dentry), 0) : 0;
}

SEC("lsm/path_truncate")
int hook_truncate(__u64 *context)
{
	struct path *path = (void *)context[0];
	return tell(HOOK_TRUNCATE, READ(path, dentry), 0);
}

/* Opens that no open call makes: io_uring's, and the kernel's own for a process, such as a core dump. */
SEC("lsm/file_open")
int hook_open(__u64 *context)
{
	struct file *file = (void *)context[0];
	__u32 mode = READ(file, f_mode);
	if (!(mode & (FMODE_WRITE | FMODE_CREATED)) || mode & FMODE_BACKING)
		return 0;
	struct dentry *dentry = READ(file, f_path.dentry);
	/* A layer's file, which shows the overlay's path, before 6.5 gave it FMODE_BACKING. */
	if (READ(READ(file, f_inode), i_sb) != READ(dentry, d_sb))
		return 0;
	__u32 in_tree = 0, root = root_of_dentry(dentry, &in_tree);
	if (!root)
		return 0;
	struct record *record = record_hook(HOOK_OPEN, root, in_tree);
	if (!record)
		return 0;
	record->event.open_flags = READ(file, f_flags);
	record->event.flags |= FLAG_WRITE;
	if (mode & FMODE_CREATED)
		record->event.flags |= FLAG_CREATED;
	record_dentry(record, dentry);
	record_tell(record);
	return 0;
}
