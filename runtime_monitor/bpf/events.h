/* The wire format: one record of the ring is `struct event`, then the pieces of text whose lengths it gives; a summary is
   its first part alone. */
#ifndef PODSEAL_EVENTS_H
#define PODSEAL_EVENTS_H

enum kind { KIND_EXEC = 1, KIND_EXIT, KIND_OPEN, KIND_FILE, KIND_NAME, KIND_SUMMARY, KIND_CALL, KIND_URING,
	    KIND_HOOK, KIND_DESCRIPTOR };

/* Pieces follow in this order. A walked path is its names from the leaf upwards, each ended by a slash. */
enum piece { PIECE_PATH, PIECE_BASE, PIECE_ARGUMENT, PIECE_BASE2, PIECE_ARGUMENT2, PIECE_ARGV, PIECE_ENV, PIECE_CWD,
	     PIECE_SOCKET, PIECE_DATA, PIECE_ANCESTORS, PIECES };

enum flag {
	FLAG_FAILED = 1 << 0,	    /* refused: EROFS, EACCES, EPERM */
	FLAG_UPPER = 1 << 1,	    /* the inode is in the overlay's upper layer */
	FLAG_MEMFD = 1 << 2,
	FLAG_DELETED = 1 << 3,
	FLAG_CREATED = 1 << 4,	    /* this call created the file */
	FLAG_PATH_CUT = 1 << 5,
	FLAG_COMPAT = 1 << 6,	    /* called by the 32-bit table */
	FLAG_TREE = 1 << 7,	    /* matched by (device, inode) of an ancestor: a write from the host's side */
	FLAG_PROVISIONAL = 1 << 8,  /* the root was found by the kernel, user space has not confirmed it */
	FLAG_ENTRY = 1 << 9,	    /* a session begins with this exec */
	FLAG_FIRST = 1 << 10,	    /* the first exec in this root: the container's own start */
	FLAG_IN_CGROUP = 1 << 11,   /* the task's cgroup is the container's */
	FLAG_ESCAPE = 1 << 12,	    /* a container's task has come into the host's mount namespace or root */
	FLAG_OBJECT = 1 << 13,	    /* the path is the object's own, no argument */
	FLAG_ON_ROOT = 1 << 14,	    /* the file lies on a container's root */
	FLAG_WRITE = 1 << 15,	    /* opened for writing */
	FLAG_SCRIPT = 1 << 16,	    /* PIECE_ARGUMENT of an exec is a script that an interpreter runs */
	FLAG_LAST = 1 << 17,	    /* with this exit the container has ended, and its root is forgotten */
	FLAG_ANONYMOUS = 1 << 18,   /* the file is the kernel's own: an eventfd, an epoll; its path is the kind of it */
	FLAG_WRITABLE = 1 << 19,    /* whoever executes the file may write to it */
	FLAG_OVERLAY = 1 << 20,	    /* the file is an overlay's */
	FLAG_GROUP_LEADER = 1 << 21, /* the process leads its process group */
};

enum hook { HOOK_NONE, HOOK_OPEN, HOOK_UNLINK, HOOK_RMDIR, HOOK_MKDIR, HOOK_MKNOD, HOOK_SYMLINK, HOOK_LINK, HOOK_RENAME,
	    HOOK_SETXATTR, HOOK_REMOVEXATTR, HOOK_CHMOD, HOOK_CHOWN, HOOK_TRUNCATE };

enum stdin_kind { STDIN_UNKNOWN, STDIN_PIPE, STDIN_TTY, STDIN_NULL, STDIN_FILE, STDIN_SOCKET };

struct event {
	__u64 time;	    /* ns since boot */
	__u64 sequence;	    /* of this CPU, counts what was lost too */
	__u64 start;	    /* of the process, ns since boot; so are `parent_start` and `session_start` */
	__u64 inode;
	__u64 written;	    /* of a summary */
	__u32 kind, cpu, flags;
	__u32 pid, tid;
	__u32 root;	    /* s_dev of the container's root that this is about, 0 = unknown */
	__u32 device;
	__s32 descriptor;
	__u32 writes;	    /* of a summary */
	__u32 call;
	/* A summary's record ends here: user space knows the process from its first write. */
	__u64 parent_start;
	__u64 session_start;
	__u64 cgroup;	    /* id in the unified hierarchy */
	__u64 changed;	    /* ctime and mtime of an executed file, ns since the epoch */
	__u64 modified;
	__u64 inheritable, permitted, effective;	/* capabilities */
	__s64 result;
	__u64 arguments[6];
	__u32 vpid, parent, parent_vpid, session;
	__u32 uid, gid, login_uid, tty;
	__u32 pid_namespace, mount_namespace;
	__u32 mode, open_flags;
	__u32 stdin_kind;
	__u32 session_leader;
	__u32 hook;	    /* which one saw it, in the trampoline tier */
	__u16 lengths[PIECES], zero[3];
	char comm[16], parent_comm[16];
};
enum { SUMMARY_SIZE = __builtin_offsetof(struct event, parent_start) };

/* PIECE_ANCESTORS of an exec is some of these: the parent first, up to the first process of the node. */
struct ancestor {
	__u64 start;
	__u32 pid, zero;
	char comm[16];
};

enum role { ROLE_NONE, ROLE_CLIENT, ROLE_SERVER };

/* PIECE_SOCKET. PIECE_ARGUMENT is then the path of a unix socket: the one that listens. */
struct endpoints {
	__u16 family, type, protocol;	    /* AF_, SOCK_, IPPROTO_ */
	__u16 local_port, remote_port;
	__u8 state;			    /* TCP_ESTABLISHED for a connected datagram socket, too */
	__u8 role;			    /* which end is ours */
	__u8 argument;			    /* the remote end is the call's argument, which the kernel did not keep */
	__u8 changed;			    /* the remote end is another than the one before */
	__u8 local[16], remote[16];
};
enum { ENDPOINTS_SIZE = 46 };
_Static_assert(sizeof(struct endpoints) == ENDPOINTS_SIZE, "kernel/sockets.py knows no gaps");
#endif
