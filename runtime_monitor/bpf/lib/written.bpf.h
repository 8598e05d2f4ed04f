/* Which files a process has written to: its first write to a file is told at once, the further ones are counted. Of a
   file that it has just created, which was told, every further change by the same descriptor is counted. */
#pragma once
#include "file.bpf.h"

struct written_key {
	__u32 process, descriptor;
};
struct written {
	__u64 inode, bytes, told;  /* bytes since `told`, in ns since boot */
	__u32 device, writes;
	__u32 root, created;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct written_key);
	__type(value, struct written);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} writes SEC(".maps");

/* process -> one bit for each descriptor below 64 that has an entry above. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} writers SEC(".maps");

enum { MARKED = 64 };

INLINE void mark_writer(struct written_key *key)
{
	__u64 bit = key->descriptor < MARKED ? 1ULL << key->descriptor : 0;
	__u64 *known = bpf_map_lookup_elem(&writers, &key->process);
	if (known)
		*known |= bit;
	else
		bpf_map_update_elem(&writers, &key->process, &bit, BPF_ANY);
}

INLINE struct written *known_writes(struct written_key *key, __u64 inode, __u32 device)
{
	struct written *known = bpf_map_lookup_elem(&writes, key);
	return known && known->inode == inode && known->device == device ? known : 0;
}

/* The further writes by a descriptor, without path and process: user space knows both from the first one. */
INLINE void record_summary(struct task_struct *task, struct written_key *key, struct written *written)
{
	struct record *record = record_take(KIND_SUMMARY);
	if (!record)
		return;
	struct event *event = &record->event;
	event->start = task->group_leader->start_boottime;
	event->pid = task->tgid;
	event->tid = task->pid;
	event->descriptor = key->descriptor;
	event->inode = written->inode;
	event->device = written->device;
	event->root = written->root;
	event->written = written->bytes;
	event->writes = written->writes;
	event->flags = FLAG_ON_ROOT;
	record_tell_bytes(record, SUMMARY_SIZE);
}

INLINE void forget_written(struct task_struct *task, struct written_key *key)
{
	struct written *written = bpf_map_lookup_elem(&writes, key);
	if (!written)
		return;
	if (written->writes)
		record_summary(task, key, written);
	bpf_map_delete_elem(&writes, key);
}
