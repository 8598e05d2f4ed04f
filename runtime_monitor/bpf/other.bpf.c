/* Calls that change no file but what a container's task may do next: mounts, namespaces, other processes' memory, users. */
#include "lib/call.bpf.h"

const volatile __u32 host_mount_namespace;
const volatile __u32 host_root_device;

SEC("tp_btf/sys_exit")
int follow_other(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	const volatile struct call *call = &calls[call_index(regs, compat)];
	struct membership *member = bpf_task_storage_get(&members, task, 0, 0);
	__u32 root = member ? member->root : task_container(task);
	if (!root)
		return 0;
	struct record *record = record_call(KIND_CALL, regs, context[1], root);
	if (!record)
		return 0;
	if (member && (task_mount_namespace(task) == host_mount_namespace || task_root_device(task) == host_root_device))
		record->event.flags |= FLAG_ESCAPE;
	if (call->path >= 0)
		record_user_string(record, PIECE_ARGUMENT, call_argument(regs, compat, call->path));
	if (call->path2 >= 0)
		record_user_string(record, PIECE_ARGUMENT2, call_argument(regs, compat, call->path2));
	record_tell(record);
	return 0;
}
