/* The maps that all objects share; they are pinned by name, so that the next sensor finds them filled. */
#pragma once
#include "helpers.bpf.h"
#include "../events.h"

enum { ROOT_PROVISIONAL = 1, ROOT_WATCHED = 2, ROOT_IGNORED = 3 };

/* A container's root, by the s_dev of its superblock; user space writes WATCHED and IGNORED, the kernel PROVISIONAL. */
struct root {
	__u32 state;
	__u32 mount_namespace;
	__u64 cgroup;
	__u32 first;	/* process: the container's own program, with whose end the root is forgotten */
	__u32 zero;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct root);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} roots SEC(".maps");

/* inode number of a pid or mount namespace -> root; the kernel gives each namespace its own number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} namespaces SEC(".maps");

/* id of a container's cgroup -> root. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} cgroups SEC(".maps");

/* A directory of the host behind a root (an overlay's upperdir) or a volume -> root. Inode 0: this device has some. */
struct tree {
	__u64 inode;
	__u32 device;
	__u32 zero;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tree);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} trees SEC(".maps");

/* What a task of a container inherits at fork. `session` 0: it belongs to the container itself. */
struct membership {
	__u64 session_start;
	__u32 session;
	__u32 root;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct membership);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} members SEC(".maps");

/* Of each CPU: events begun, and those that were lost because the ring was full or no scratch record was free. */
struct tally {
	__u64 sequence;
	__u64 lost_ring;
	__u64 lost_scratch;
	__u64 busy;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ring SEC(".maps");
