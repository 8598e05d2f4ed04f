/* Changes by name: the call gives no file back, so what is told is the directory that the path starts from and the
   argument as it stands after the call, which another thread may have changed: `fd.path_source=argument`. */
#include "lib/call.bpf.h"
#include "lib/tree.bpf.h"

/* The hooks tell what succeeds: here only what was refused. */
const volatile int hooked;

struct place {
	struct dentry *start;
	__u64 argument;
	__u32 root;
	__u32 in_tree;
};

/* "/proc/", little-endian: whoever goes through /proc/PID/root starts outside of the root that is changed. */
#define PROC_PREFIX 0x2f636f72702fULL
#define PROC_PREFIX_SIZE 6

INLINE int goes_through_proc(__u64 argument)
{
	__u64 prefix = 0;
	bpf_probe_read_user(&prefix, PROC_PREFIX_SIZE, (void *)argument);
	return prefix == PROC_PREFIX;
}

INLINE struct place place_of(struct pt_regs *regs, int directory, int path)
{
	struct place place = {};
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task), from = AT_FDCWD;
	if (path < 0)
		return place;
	if (directory >= 0)
		from = call_argument(regs, compat, directory);
	place.argument = call_argument(regs, compat, path);
	place.start = start_of_path(task, from, place.argument);
	place.root = dentry_root(place.start);
	if (!place.root && place.start) {
		place.root = root_of_tree(place.start, superblock_device(READ(place.start, d_sb)));
		place.in_tree = place.root != 0;
	}
	return place;
}

INLINE void record_place(struct record *record, enum piece base, struct place *place)
{
	record_path_on_superblock(record, base, place->start);
	record_user_string(record, base + 1, place->argument);
}

SEC("tp_btf/sys_exit")
int follow_name(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	if (hooked && !was_refused(context[1]))
		return 0;
	int compat = is_compat(bpf_get_current_task_btf());
	const volatile struct call *call = &calls[call_index(regs, compat)];
	struct place place = place_of(regs, call->directory, call->path);
	int only_text = call->directory2 == ONLY_TEXT;
	struct place second = place_of(regs, call->directory2, only_text ? NOWHERE : call->path2);
	__u32 root = second.root ? second.root : place.root;
	if (!root && !goes_through_proc(second.start ? second.argument : place.argument))
		return 0;
	struct record *record = record_call(KIND_NAME, regs, context[1], root);
	if (!record)
		return 0;
	if (place.in_tree || second.in_tree)
		record->event.flags |= FLAG_TREE;
	record_place(record, PIECE_BASE, &place);
	if (second.start)
		record_place(record, PIECE_BASE2, &second);
	if (only_text)
		record_user_string(record, PIECE_ARGUMENT2, call_argument(regs, compat, call->path2));
	record_tell(record);
	return 0;
}
