/* File calls by io_uring, which run without any system call of theirs: seen as they are submitted, so whether they
   succeed is unknown, and what an open names is its argument. */
#include "lib/call.bpf.h"
#include "lib/filter.bpf.h"

/* include/uapi/linux/io_uring.h */
enum { OP_WRITEV = 2, OP_WRITE_FIXED = 5, OP_FALLOCATE = 17, OP_OPENAT = 18, OP_WRITE = 23, OP_OPENAT2 = 28,
       OP_SPLICE = 30, OP_RENAMEAT = 35, OP_UNLINKAT = 36, OP_MKDIRAT = 37, OP_SYMLINKAT = 38, OP_LINKAT = 39,
       OP_FSETXATTR = 41, OP_FTRUNCATE = 55 };
enum { FIXED_FILE = 1, WRITES = 01 | 02 | 0100 | 01000 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct filename {
	const char *name;
};
struct open_how {
	__u64 flags;
};
struct io_open {
	int dfd;
	struct filename *filename;
	struct open_how how;
};
struct io_unlink {
	int dfd;
	struct filename *filename;
};
struct io_mkdir {
	int dfd;
	struct filename *filename;
};
struct io_rename {
	int new_dfd;
	struct filename *newpath;
};
struct io_link {
	int new_dfd;
	struct filename *newpath;
};
struct io_cqe {
	int fd;
};
struct io_kiocb {
	__u8 opcode;
	__u64 flags;
	struct io_cqe cqe;
};
/* The flags were 32 bits wide before 6.9 (commit fb6328bc2ab5). */
struct io_kiocb___narrow {
	__u32 flags;
};
#pragma clang attribute pop

/* The hooks see the objects of what has a name, but for opens for reading. */
const volatile int hooked;

INLINE struct record *record_request(struct io_kiocb *request, __u32 root)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct record *record = record_take(KIND_URING);
	if (!record)
		return 0;
	record->event.call = READ(request, opcode);
	record->event.root = root;
	record_task(record, task);
	record_membership(record, bpf_task_storage_get(&members, task, 0, 0));
	record_root(record);
	return record;
}

/* The dentry that a name starts from. */
INLINE struct dentry *start_of_name(struct task_struct *task, int directory, const char *name)
{
	char first = 0;
	bpf_probe_read_kernel(&first, 1, name);
	return start_of(task, directory, first);
}

INLINE void submitted_name(struct io_kiocb *request, int directory, struct filename *filename, __u64 open_flags,
			   __u32 write)
{
	const char *name = READ(filename, name);
	struct dentry *start = start_of_name(bpf_get_current_task_btf(), directory, name);
	__u32 root = dentry_root(start);
	if (!root || (hooked && write))
		return;
	struct record *record = record_request(request, root);
	if (!record)
		return;
	record->event.open_flags = open_flags;
	record->event.flags |= write;
	record_path_on_superblock(record, PIECE_BASE, start);
	record_kernel_string(record, PIECE_ARGUMENT, name);
	record_tell(record);
}

INLINE void submitted_descriptor(struct io_kiocb *request)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_kiocb___narrow *narrow = (void *)request;
	__u64 flags = FIELD_EXISTS(request->flags) && FIELD_SIZE(request->flags) == 8 ? READ(request, flags)
										      : READ(narrow, flags);
	if (flags & FIXED_FILE)
		return;
	__u32 descriptor = READ(request, cqe.fd);
	struct file *file = file_of_descriptor(task, descriptor);
	if (!file)
		return;
	__u32 device = superblock_device(READ(READ(file, f_inode), i_sb));
	if (!root_state(device))
		return;
	struct record *record = record_request(request, device);
	if (!record)
		return;
	record->event.descriptor = descriptor;
	record_file(record, file, task);
	record_tell(record);
}

INLINE int submitted(struct io_kiocb *request)
{
	switch (READ(request, opcode)) {
	case OP_OPENAT:
	case OP_OPENAT2: {
		struct io_open *open = (void *)request;
		__u64 flags = READ(open, how.flags);
		struct filter *filter = current_filter();
		__u32 write = flags & WRITES ? FLAG_WRITE : 0;
		if (write || (filter && filter->reads))
			submitted_name(request, READ(open, dfd), READ(open, filename), flags, write);
		break;
	}
	case OP_UNLINKAT: {
		struct io_unlink *unlink = (void *)request;
		submitted_name(request, READ(unlink, dfd), READ(unlink, filename), 0, FLAG_WRITE);
		break;
	}
	case OP_MKDIRAT: {
		struct io_mkdir *mkdir = (void *)request;
		submitted_name(request, READ(mkdir, dfd), READ(mkdir, filename), 0, FLAG_WRITE);
		break;
	}
	case OP_RENAMEAT: {
		struct io_rename *rename = (void *)request;
		submitted_name(request, READ(rename, new_dfd), READ(rename, newpath), 0, FLAG_WRITE);
		break;
	}
	case OP_SYMLINKAT:
	case OP_LINKAT: {
		struct io_link *link = (void *)request;
		submitted_name(request, READ(link, new_dfd), READ(link, newpath), 0, FLAG_WRITE);
		break;
	}
	case OP_WRITEV:
	case OP_WRITE_FIXED:
	case OP_WRITE:
	case OP_FALLOCATE:
	case OP_SPLICE:
	case OP_FSETXATTR:
	case OP_FTRUNCATE:
		submitted_descriptor(request);
	}
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int uring_submit(__u64 *context)
{
	return submitted((void *)context[0]);
}

/* The same before 6.4 (commit 2ad57931db64). */
SEC("tp_btf/io_uring_submit_sqe")
int uring_submit_old(__u64 *context)
{
	return submitted((void *)context[0]);
}
