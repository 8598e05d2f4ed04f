/* Opens that a rule can use: the object from the returned descriptor, or, where the call was refused, the argument. */
#include "lib/call.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/tree.bpf.h"
#include "lib/written.bpf.h"

const volatile __u32 host_root_device;
enum { O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000, WRITES = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };

/* An open call: its flags, the address of its path (0: it has none), and the descriptor that this starts from. */
struct opening {
	struct pt_regs *regs;
	__u64 flags, path;
	int directory;
};

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

/* A function of its own: what it puts on the stack must not stand beneath the walks of a path. */
static __attribute__((noinline)) void remember_created(struct file *file, struct event *event)
{
	struct written_key key = {event->pid, event->descriptor};
	struct written written = {
		.file = (__u64)file,
		.inode = event->inode,
		.told = event->time,
		.start = event->start,
		.device = event->device,
		.root = event->root,
		.created = 1,
	};
	remember_written(&key, &written, event->tid);
}

/* The root of the container that a task belongs to, whatever file it opens; 0: to none. */
INLINE __u32 container_of_task(struct task_struct *task)
{
	struct membership *member = task->bpf_storage ? bpf_task_storage_get(&members, task, 0, 0) : 0;
	if (member)
		return member->root;
	__u32 device = task_root_device(task);
	return device != host_root_device && root_state(device) ? device : 0;
}

/* Without the clauses that demand another way to name the file. */
INLINE __u64 given_so(struct filter *filter, __u64 wanted, struct opening *opening)
{
	if (!(wanted & filter->upwards) || (opening->path && leads_upwards(opening->path)))
		return wanted;
	return wanted & ~filter->upwards;
}

INLINE void opened(struct opening *opening, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct filter *filter = current_filter();
	struct file *file = file_of_descriptor(task, result);
	if (!file || !filter)
		return;
	__u32 mode = READ(file, f_mode), found = 0;
	int writes = mode & (FMODE_WRITE | FMODE_CREATED) || opening->flags & O_TRUNC;
	__u64 wanted = writes ? filter->writes : filter->reads;
	if (!wanted)
		return;
	__u32 device = superblock_device(READ(READ(file, f_inode), i_sb));
	__u32 root = root_state(device) ? device : 0;
	int on_root = root != 0;
	if (!root && writes)
		root = found = root_of_tree(READ(file, f_path.dentry), device);
	if (!root) {
		wanted &= filter->elsewhere;
		root = wanted ? container_of_task(task) : 0;
	}
	if (!root)
		return;
	wanted = given_so(filter, wanted, opening);
	if (!(wanted & filter->anywhere) && !found && !path_is_asked(wanted, (__u64)file, on_root))
		return;
	struct record *record = record_call(KIND_OPEN, opening->regs, result, root);
	if (!record)
		return;
	struct event *event = &record->event;
	event->descriptor = result;
	event->open_flags = opening->flags;
	if (writes)
		event->flags |= FLAG_WRITE;
	if (mode & FMODE_CREATED)
		event->flags |= FLAG_CREATED;
	if (found)
		event->flags |= FLAG_TREE;
	record_file(record, file, task);
	if (opening->path)
		record_user_string(record, PIECE_ARGUMENT, opening->path);
	if (mode & FMODE_CREATED && event->flags & FLAG_ON_ROOT)
		remember_created(file, event);
	record_tell(record);
}

INLINE void failed(struct opening *opening, long result)
{
	struct filter *filter = current_filter();
	if (!opening->path || !filter)
		return;
	__u64 wanted = filter->failed & (opening->flags & WRITES ? filter->writes : filter->reads);
	/* What was not there is asked for all the time. */
	if (!was_refused(result))
		wanted &= filter->upwards;
	if (!wanted)
		return;
	struct dentry *start = start_of_path(bpf_get_current_task_btf(), opening->directory, opening->path);
	__u32 root = dentry_root(start);
	if (!root || !given_so(filter, wanted, opening))
		return;
	struct record *record = record_call(KIND_OPEN, opening->regs, result, root);
	if (!record)
		return;
	record->event.open_flags = opening->flags;
	if (opening->flags & WRITES)
		record->event.flags |= FLAG_WRITE;
	record_path_on_superblock(record, PIECE_BASE, start);
	record_user_string(record, PIECE_ARGUMENT, opening->path);
	record_tell(record);
}

SEC("tp_btf/sys_exit")
int follow_open(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	int compat = is_compat(bpf_get_current_task_btf());
	const volatile struct call *call = &calls[call_index(regs, compat)];
	struct opening opening = {
		.regs = regs,
		.flags = intent(call, regs, compat),
		.path = call->path < 0 ? 0 : call_argument(regs, compat, call->path),
		.directory = call->directory < 0 ? AT_FDCWD : (int)call_argument(regs, compat, call->directory),
	};
	long result = context[1];
	if (result < 0)
		failed(&opening, result);
	else
		opened(&opening, result);
	return 0;
}
