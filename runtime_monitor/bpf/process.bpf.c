/* Processes of containers: what they execute, by which way they came in, when they end. */
#include "lib/ancestors.bpf.h"
#include "lib/file.bpf.h"
#include "lib/written.bpf.h"

/* Of the host, told by user space: its mount namespace and the s_dev of its root. */
const volatile __u32 host_mount_namespace;
const volatile __u32 host_root_device;

/* "memfd:", little-endian: how the kernel begins the names of memory files. */
#define MEMFD_PREFIX 0x3a64666d656dULL
#define MEMFD_PREFIX_SIZE 6

INLINE struct membership *member_of(struct task_struct *task, __u64 flags)
{
	struct membership none = {};
	return bpf_task_storage_get(&members, task, &none, flags);
}

/* A root that user space has not told of yet: neither the mount namespace nor the root is the host's. The first
   exec in it is the container's own program, before which the runtime has made its set-up. */
INLINE __u32 found_root(struct task_struct *task)
{
	__u32 device = task_root_device(task), mount_namespace = task_mount_namespace(task);
	if (mount_namespace == host_mount_namespace || device == host_root_device)
		return 0;
	struct root root = {
		.state = ROOT_PROVISIONAL,
		.mount_namespace = mount_namespace,
		.cgroup = task_cgroup(task),
		.first = task->tgid,
	};
	if (bpf_map_update_elem(&roots, &device, &root, BPF_NOEXIST))
		return 0;
	bpf_map_update_elem(&namespaces, &mount_namespace, &device, BPF_NOEXIST);
	__u32 pid_namespace = task_pid_namespace(task);
	if (pid_namespace != task_pid_namespace(task->real_parent))
		bpf_map_update_elem(&namespaces, &pid_namespace, &device, BPF_NOEXIST);
	return device;
}

/* Whether somebody came in from outside: the parent lives in another pid or mount namespace. The first process of a
   pid namespace is the container's own. */
INLINE int comes_from_outside(struct task_struct *task)
{
	struct task_struct *parent = task->group_leader->real_parent;
	if (innermost(task->thread_pid).nr == 1)
		return 0;
	return task_pid_namespace(parent) != task_pid_namespace(task) ||
	       task_mount_namespace(parent) != task_mount_namespace(task);
}

INLINE void record_executable(struct record *record, struct task_struct *task, struct linux_binprm *binprm)
{
	struct file *file = READ(binprm, file);
	struct inode *inode = READ(file, f_inode);
	record_file(record, file, task);
	record_times(record, inode);
	if (is_overlay(inode))
		record->event.flags |= FLAG_OVERLAY;
	if (may_write(task, inode))
		record->event.flags |= FLAG_WRITABLE;
	__u64 name = 0;
	bpf_probe_read_kernel(&name, MEMFD_PREFIX_SIZE, READ(READ(file, f_path.dentry), d_name.name));
	if (READ(READ(inode, i_sb), s_magic) == TMPFS_MAGIC && name == MEMFD_PREFIX)
		record->event.flags |= FLAG_MEMFD;
	const char *filename = READ(binprm, filename);
	if (filename != READ(binprm, interp))
		record->event.flags |= FLAG_SCRIPT;
	record_kernel_string(record, PIECE_ARGUMENT, filename);
	struct mm_struct *mm = task->mm;
	record_user_bytes(record, PIECE_ARGV, mm->arg_start, mm->arg_end);
	record_user_bytes(record, PIECE_ENV, mm->env_start, mm->env_end);
	record_path_of_task(record, PIECE_CWD, &task->fs->pwd, task);
}

SEC("tp_btf/sched_process_exec")
int process_exec(__u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct membership *member = member_of(task, 0);
	__u32 flags = 0, root = task_root(task);
	/* Before its namespaces are asked: a pod's containers may share one pid namespace, but each has its own root. */
	if (!root && !member) {
		root = found_root(task);
		if (root)
			flags |= FLAG_FIRST;
	}
	if (!root)
		root = task_container(task);
	if (!root && !member)
		return 0;
	if (!member) {
		member = member_of(task, 1);
		if (member && !(flags & FLAG_FIRST) && comes_from_outside(task)) {
			flags |= FLAG_ENTRY;
			member->session = task->tgid;
			member->session_start = task->group_leader->start_boottime;
		}
		if (member)
			member->root = root;
	}
	/* Only a task that was a container's before this exec can have left it. */
	else if (task_mount_namespace(task) == host_mount_namespace || task_root_device(task) == host_root_device)
		flags |= FLAG_ESCAPE;
	struct record *record = record_take(KIND_EXEC);
	if (!record)
		return 0;
	record->event.flags = flags;
	record->event.root = root;
	record_task(record, task);
	record_membership(record, member);
	record_root(record);
	record->event.stdin_kind = stdin_kind(task);
	record_executable(record, task, (void *)context[2]);
	record_ancestors(record, task);
	record_tell(record);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int process_fork(__u64 *context)
{
	struct task_struct *parent = (void *)context[0], *child = (void *)context[1];
	if (!parent->bpf_storage)
		return 0;
	struct membership *member = member_of(parent, 0);
	if (member)
		bpf_task_storage_get(&members, child, member, 1);
	return 0;
}

INLINE void forget_namespace(__u32 number, __u32 device)
{
	__u32 *found = bpf_map_lookup_elem(&namespaces, &number);
	if (found && *found == device)
		bpf_map_delete_elem(&namespaces, &number);
}

/* The numbers of a dead container's namespaces and device are given to the next one. */
INLINE int forget_root(struct task_struct *task, __u32 device)
{
	struct root *root = bpf_map_lookup_elem(&roots, &device);
	if (!root || root->first != task->tgid)
		return 0;
	__u64 cgroup = root->cgroup;
	forget_namespace(root->mount_namespace, device);
	forget_namespace(task_pid_namespace(task), device);
	bpf_map_delete_elem(&cgroups, &cgroup);
	bpf_map_delete_elem(&roots, &device);
	return 1;
}

struct leaving {
	__u64 marks;
	struct written_key key;
};

static long leave_step(__u32 descriptor, struct leaving *leaving)
{
	leaving->key.descriptor = descriptor;
	struct written *written = leaving->marks & (1ULL << descriptor) ? bpf_map_lookup_elem(&writes, &leaving->key) : 0;
	if (!written)
		return 0;
	record_summary(&leaving->key, written, leaving->key.process);
	bpf_map_delete_elem(&writes, &leaving->key);
	return 0;
}

/* What a process wrote and never closed is told when it ends. */
INLINE void tell_unclosed(struct task_struct *task)
{
	struct leaving leaving = {.key = {.process = task->tgid}};
	__u64 *marks = bpf_map_lookup_elem(&writers, &leaving.key.process);
	if (!marks)
		return;
	leaving.marks = *marks;
	bpf_loop(MARKED, leave_step, &leaving, 0);
	bpf_map_delete_elem(&writers, &leaving.key.process);
}

SEC("tp_btf/sched_process_exit")
int process_exit(__u64 *context)
{
	struct task_struct *task = (void *)context[0];
	if (task->signal->live.counter)
		return 0;
	tell_unclosed(task);
	if (!task->bpf_storage)
		return 0;
	struct membership *member = member_of(task, 0);
	if (!member)
		return 0;
	struct record *record = record_take(KIND_EXIT);
	if (!record)
		return 0;
	record_task(record, task);
	record_membership(record, member);
	record_root(record);
	record->event.result = task->exit_code;
	__u32 root = record->event.root;
	if (forget_root(task, root))
		record->event.flags |= FLAG_LAST;
	record_tell(record);
	return 0;
}
