/* Calls that only rules ask for: on sockets, with both ends; and copies of descriptors, whatever they are of. */
#include "lib/call.bpf.h"
#include "lib/socket.bpf.h"

enum { EAGAIN = 11, EINPROGRESS = 115 };
enum { F_DUPFD = 0, F_DUPFD_CLOEXEC = 1030 };
enum { SOCKETCALLS = 21, SOCKETCALLS_MASK = 31, DATA = 80 };

/* A call as it was made, by its own number or through socketcall(2). */
struct made {
	__u64 arguments[6];
	__s64 result;
	__u32 index; /* in `calls` */
	int compat;
};

INLINE __u64 argument_of(struct made *made, int position)
{
	switch (position) {
	case 0:
		return made->arguments[0];
	case 1:
		return made->arguments[1];
	case 2:
		return made->arguments[2];
	case 3:
		return made->arguments[3];
	case 4:
		return made->arguments[4];
	case 5:
		return made->arguments[5];
	}
	return 0;
}

INLINE __u64 user_pointer(struct made *made, __u64 at)
{
	__u64 pointer = 0;
	bpf_probe_read_user(&pointer, made->compat ? 4 : 8, (void *)at);
	return pointer;
}

/* Where the other end's address is: given, or filled in by the call; by itself, or in a struct msghdr. */
INLINE __u64 address_of(const volatile struct call *call, struct made *made)
{
	if (call->path >= 0)
		return argument_of(made, call->path);
	return call->directory >= 0 ? user_pointer(made, argument_of(made, call->directory)) : 0;
}

/* The first bytes that were sent or received, of a struct msghdr those of its first piece. */
INLINE void record_data(struct record *record, const volatile struct call *call, struct made *made)
{
	__u64 from = 0, size = made->result, most = DATA;
	if (made->result <= 0 || call->directory2 >= 0)
		return;
	if (call->path2 >= 0) {
		from = argument_of(made, call->path2);
	} else if (call->directory >= 0) {
		__u64 message = argument_of(made, call->directory);
		__u64 piece = user_pointer(made, message + (made->compat ? 8 : 16));
		from = user_pointer(made, piece);
		most = user_pointer(made, piece + (made->compat ? 4 : 8));
	}
	if (size > most)
		size = most;
	if (size > DATA)
		size = DATA;
	if (from)
		record_user_bytes(record, PIECE_DATA, from, from + size);
}

INLINE void record_socket(struct record *record, struct file *file, struct sock *sk, struct made *made)
{
	const volatile struct call *call = &calls[made->index & (CALLS * ABIS - 1)];
	int done = made->result >= 0 || made->result == -EINPROGRESS;
	struct endpoints ends = {};
	__u64 address = address_of(call, made);
	read_endpoints(&ends, sk);
	read_argument(&ends, address);
	if (call->flags == ROLE_CLIENT || (call->flags == ROLE_SERVER && done))
		ends.role = call->flags;
	struct inode *inode = READ(file, f_inode);
	record->event.inode = READ(inode, i_ino);
	record->event.mode = READ(inode, i_mode);
	record->event.device = superblock_device(READ(inode, i_sb));
	/* By every call that names an end, or gives the socket one. */
	if (done && ends.remote_port && (ends.argument || call->flags >= 0))
		ends.changed = has_changed(&ends, record->event.inode);
	if (ends.family == AF_UNIX)
		record_unix_path(record, sk, address);
	record_kernel_bytes(record, PIECE_SOCKET, &ends, sizeof(ends));
	record_data(record, call, made);
}

INLINE int tell(struct pt_regs *regs, struct made *made)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const volatile struct call *call = &calls[made->index & (CALLS * ABIS - 1)];
	struct membership *member = bpf_task_storage_get(&members, task, 0, 0);
	__u32 root = member ? member->root : task_container(task);
	/* Nothing was there to accept or to receive: the program asks again. */
	if (!root || made->result == -EAGAIN)
		return 0;
	struct record *record = record_call(KIND_DESCRIPTOR, regs, made->result, root);
	if (!record)
		return 0;
	struct event *event = &record->event;
	event->call = made->index;
	__builtin_memcpy(event->arguments, made->arguments, sizeof(event->arguments));
	__s32 descriptor = call->descriptor >= 0 ? argument_of(made, call->descriptor) : made->result;
	event->descriptor = descriptor < 0 ? -1 : descriptor;
	struct file *file = descriptor < 0 ? 0 : file_of_descriptor(task, descriptor);
	struct sock *sk = file ? sock_of_file(file) : 0;
	if (sk)
		record_socket(record, file, sk, made);
	else if (file)
		record_file(record, file, task);
	record_tell(record);
	return 0;
}

INLINE struct made made_by(struct pt_regs *regs, long result)
{
	int compat = is_compat(bpf_get_current_task_btf());
	struct made made = {.result = result, .index = call_index(regs, compat), .compat = compat};
	for (int position = 0; position < 6; position++)
		made.arguments[position] = call_argument(regs, compat, position);
	return made;
}

SEC("tp_btf/sys_exit")
int follow_socket(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct made made = made_by(regs, context[1]);
	return tell(regs, &made);
}

/* Commands of fcntl(2) that make no copy are left out. */
SEC("tp_btf/sys_exit")
int follow_duplicate(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	struct made made = made_by(regs, context[1]);
	const volatile struct call *call = &calls[made.index & (CALLS * ABIS - 1)];
	__u32 command = made.arguments[1];
	if (call->flags >= 0 && command != F_DUPFD && command != F_DUPFD_CLOEXEC)
		return 0;
	return tell(regs, &made);
}

/* socketcall(2) of the 32-bit table: the number of each of its calls in the 64-bit table, and how many arguments it has
   (net/socket.c). */
static const volatile __u16 numbers[SOCKETCALLS_MASK + 1] = {0,	41, 49, 42, 50, 43, 0,	0,  53,	 44,  45,
						    44, 45, 48, 0,  0,	46, 47, 288, 299, 307};
static const volatile __u8 counts[SOCKETCALLS_MASK + 1] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};

SEC("tp_btf/sys_exit")
int follow_socketcall(__u64 *context)
{
	struct pt_regs *regs = (void *)context[0];
	__u32 which = regs->bx, zero = 0, values[8] = {};
	struct switches *current = bpf_map_lookup_elem(&switches, &zero);
	if (!current || which >= SOCKETCALLS)
		return 0;
	/* Masked behind the compiler's back: of the comparison of 32 bits the verifier of Linux 6.1 keeps no bound. */
	asm volatile("" : "+r"(which));
	which &= SOCKETCALLS_MASK;
	__u32 number = numbers[which] & (CALLS - 1);
	if (!number || !(current->on[number] & 1))
		return 0;
	bpf_probe_read_user(values, (counts[which] & 7) * sizeof(__u32), (void *)(unsigned long)(__u32)regs->cx);
	struct made made = {.result = context[1], .index = number, .compat = 1};
	for (int position = 0; position < 6; position++)
		made.arguments[position] = values[position];
	return tell(regs, &made);
}
