/* A system call at its exit: which one, with which arguments; and the slots of the programs that follow it up. */
#pragma once
#include "file.bpf.h"

enum { CALLS = 512, ABIS = 2 };
enum slot { SLOT_NONE, SLOT_OPEN, SLOT_WRITE, SLOT_DESCRIPTOR, SLOT_MMAP, SLOT_CLOSE, SLOT_NAME, SLOT_OTHER,
	    SLOT_SOCKET, SLOT_SOCKETCALL, SLOT_DUPLICATE, SLOT_COUNT };

/* Positions of a call's arguments, NOWHERE where it has none of that meaning; filled from kernel/calls.py before loading.
   ONLY_TEXT as the directory of a path: it is told as it is, and names no place (a symbolic link's target).
   Of calls on sockets `path` is that of the other end's address, `directory` that of a struct msghdr, `path2` that of
   the data, `directory2` says that the result counts no bytes, `flags` is a role; without `descriptor` the result is one. */
enum { NOWHERE = -1, ONLY_TEXT = -2 };
struct call {
	signed char slot, directory, path, directory2, path2, descriptor, flags;
	signed char every_result; /* told however it ended: an attempt says what somebody is after; of others success and refusal */
};
const volatile struct call calls[CALLS * ABIS];

/* Which calls are followed up, by number: bit 0 in the 64-bit table, bit 1 in the 32-bit one. One value, so that user
   space switches all of them by one update. */
struct switches {
	__u8 on[CALLS];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct switches);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} switches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLOT_COUNT);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} followers SEC(".maps");

enum { TS_COMPAT = 2 };
enum { AT_FDCWD = -100 };
enum { EPERM = 1, EACCES = 13, EROFS = 30 };

/* int 0x80 from 64-bit code and 32-bit programs use the other table (arch/x86/entry/syscall_32.c). */
INLINE int is_compat(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

INLINE __u32 call_index(struct pt_regs *regs, int compat)
{
	__u32 index = (regs->orig_ax & (CALLS - 1)) + (compat ? CALLS : 0);
	/* Masked again behind the compiler's back: the verifier of Linux 6.1 loses the bound in how it adds. */
	asm volatile("" : "+r"(index));
	return index & (CALLS * ABIS - 1);
}

INLINE __u64 call_argument(struct pt_regs *regs, int compat, int position)
{
	switch (position) {
	case 0:
		return compat ? (__u32)regs->bx : regs->di;
	case 1:
		return compat ? (__u32)regs->cx : regs->si;
	case 2:
		return regs->dx;
	case 3:
		return compat ? (__u32)regs->si : regs->r10;
	case 4:
		return compat ? (__u32)regs->di : regs->r8;
	case 5:
		return compat ? (__u32)regs->bp : regs->r9;
	}
	return 0;
}

INLINE int was_refused(long result)
{
	return result == -EROFS || result == -EACCES || result == -EPERM;
}

/* A record of a call with the process and its arguments; the caller adds what the call was done to. */
INLINE struct record *record_call(__u32 kind, struct pt_regs *regs, long result, __u32 root)
{
	struct record *record = record_take(kind);
	if (!record)
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	struct event *event = &record->event;
	event->call = call_index(regs, compat);
	event->result = result;
	event->root = root;
	if (compat)
		event->flags |= FLAG_COMPAT;
	if (was_refused(result))
		event->flags |= FLAG_FAILED;
	for (int position = 0; position < 6; position++)
		event->arguments[position] = call_argument(regs, compat, position);
	record_task(record, task);
	record_membership(record, bpf_task_storage_get(&members, task, 0, 0));
	record_root(record);
	return record;
}

/* The dentry that a path starts from, by its first byte: the root, the directory of the descriptor, or the current one. */
INLINE struct dentry *start_of(struct task_struct *task, int directory, char first)
{
	if (first == '/')
		return task->fs->root.dentry;
	if (directory == AT_FDCWD)
		return task->fs->pwd.dentry;
	struct file *file = file_of_descriptor(task, directory);
	return file ? READ(file, f_path.dentry) : 0;
}

/* That of a path argument. */
INLINE struct dentry *start_of_path(struct task_struct *task, int directory, __u64 argument)
{
	char first = 0;
	bpf_probe_read_user(&first, 1, (void *)argument);
	return start_of(task, directory, first);
}

INLINE __u32 dentry_root(struct dentry *dentry)
{
	__u32 device = dentry ? superblock_device(READ(dentry, d_sb)) : 0;
	return root_state(device) ? device : 0;
}
