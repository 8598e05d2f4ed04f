/* Which files a process has written to: its first write to a file is told at once, the further ones are counted. Of a
   file that it has just created, which was told, every further change by the same descriptor is counted. Counts are told
   at close, at the process's end, and by `sweep`. */
#pragma once
#include "file.bpf.h"

struct written_key {
	__u32 process, descriptor;
};
struct written {
	__u64 file, inode; /* address and number; 0: the descriptor was closed, the entry waits for the next one */
	__u64 bytes;
	__u64 told;	   /* when counting began, in ns since boot */
	__u64 start;	   /* of the process */
	__u32 writes;
	__u32 device, root, created;
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

/* What is known of a file by a descriptor; the number may have been given again unseen (dup2, close_range). */
INLINE struct written *known_writes(struct written_key *key, struct file *file)
{
	struct written *known = bpf_map_lookup_elem(&writes, key);
	if (!known || known->file != (__u64)file || known->inode != READ(READ(file, f_inode), i_ino))
		return 0;
	return known;
}

INLINE void count_write(struct written *known, __u64 bytes)
{
	if (bytes)
		__sync_fetch_and_add(&known->bytes, bytes);
	__sync_fetch_and_add(&known->writes, 1);
}

/* The further writes by a descriptor, without path and process: user space knows both from the first one. They are
   taken out first, so that who closes and who sweeps at the same time do not both tell them. */
INLINE void record_summary(struct written_key *key, struct written *written, __u32 thread)
{
	__u32 count = __sync_lock_test_and_set(&written->writes, 0);
	if (!count)
		return;
	struct record *record = record_take(KIND_SUMMARY);
	if (!record)
		return;
	struct event *event = &record->event;
	event->start = written->start;
	event->pid = key->process;
	event->tid = thread;
	event->descriptor = key->descriptor;
	event->inode = written->inode;
	event->device = written->device;
	event->root = written->root;
	event->written = __sync_lock_test_and_set(&written->bytes, 0);
	event->writes = count;
	event->flags = FLAG_ON_ROOT;
	record_tell_bytes(record, SUMMARY_SIZE);
}

/* A process that opens file after file gets the same number: its entry is taken again, which spares a new one. */
INLINE void remember_written(struct written_key *key, struct written *written, __u32 thread)
{
	struct written *known = bpf_map_lookup_elem(&writes, key);
	if (known) {
		record_summary(key, known, thread);
		*known = *written;
		return;
	}
	bpf_map_update_elem(&writes, key, written, BPF_ANY);
	mark_writer(key);
}

/* Of a descriptor that was closed. Entries of those that no mark covers would outlive their process. */
INLINE void forget_written(struct written_key *key, __u32 thread)
{
	struct written *written = bpf_map_lookup_elem(&writes, key);
	if (!written)
		return;
	record_summary(key, written, thread);
	written->file = 0;
	if (key->descriptor >= MARKED)
		bpf_map_delete_elem(&writes, key);
}
