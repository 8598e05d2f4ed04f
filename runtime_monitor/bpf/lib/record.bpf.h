/* A record in the making: taken, filled piece by piece, told or dropped. */
#pragma once
#include "maps.bpf.h"

enum { TEXT = 16384, LONGEST = 4096, SLOTS = 4 };

struct record {
	struct event event;
	char text[TEXT + LONGEST];
	__u32 used;
	__u32 slot;
};
/* Where the kernel may preempt a program, another one on the same CPU takes the next slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

INLINE struct tally *tally_of_cpu(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&tallies, &zero);
}

/* NULL where every slot is in use, which is counted as a loss. The caller ends with `record_tell` or `record_drop`. */
INLINE struct record *record_take(__u32 kind)
{
	struct tally *tally = tally_of_cpu();
	if (!tally)
		return 0;
	__u32 slot = 0;
	__u64 busy = tally->busy;
	while (slot < SLOTS && (busy & (1ULL << slot)))
		slot++;
	if (slot >= SLOTS) {
		tally->sequence++;
		tally->lost_scratch++;
		return 0;
	}
	tally->busy |= 1ULL << slot;
	struct record *record = bpf_map_lookup_elem(&records, &slot);
	if (!record)
		return 0;
	__builtin_memset(&record->event, 0, sizeof(record->event));
	record->used = 0;
	record->slot = slot;
	record->event.kind = kind;
	record->event.time = bpf_ktime_get_boot_ns();
	record->event.descriptor = -1;
	return record;
}

INLINE void record_drop(struct record *record)
{
	struct tally *tally = tally_of_cpu();
	if (tally)
		tally->busy &= ~(1ULL << (record->slot & 63));
}

INLINE void record_tell_bytes(struct record *record, __u64 size)
{
	struct tally *tally = tally_of_cpu();
	if (!tally)
		return;
	record->event.cpu = bpf_get_smp_processor_id();
	record->event.sequence = tally->sequence++;
	if (bpf_ringbuf_output(&ring, record, size, 0))
		tally->lost_ring++;
	tally->busy &= ~(1ULL << (record->slot & 63));
}

INLINE void record_tell(struct record *record)
{
	__u32 used = record->used;
	if (used > TEXT)
		used = TEXT;
	record_tell_bytes(record, sizeof(record->event) + used);
}

INLINE void record_user_bytes(struct record *record, enum piece piece, unsigned long from, unsigned long to)
{
	__u32 used = record->used, size = to - from;
	if (used >= TEXT || from >= to)
		return;
	if (to - from >= LONGEST)
		size = LONGEST - 1;
	/* Masked behind the compiler's back: where it knows a smaller bound it leaves the mask out, and the verifier of
	   Linux 6.1 does not see that bound. */
	asm volatile("" : "+r"(size));
	if (bpf_probe_read_user(&record->text[used], size & (LONGEST - 1), (void *)from))
		return;
	record->event.lengths[piece] = size;
	record->used = used + size;
}

INLINE void record_user_string(struct record *record, enum piece piece, unsigned long from)
{
	__u32 used = record->used;
	if (used >= TEXT)
		return;
	long size = bpf_probe_read_user_str(&record->text[used], LONGEST, (void *)from);
	if (size <= 1)
		return;
	record->event.lengths[piece] = size - 1;
	record->used = used + size - 1;
}

INLINE void record_kernel_string(struct record *record, enum piece piece, const char *from)
{
	__u32 used = record->used;
	if (used >= TEXT)
		return;
	long size = bpf_probe_read_kernel_str(&record->text[used], LONGEST, from);
	if (size <= 1)
		return;
	record->event.lengths[piece] = size - 1;
	record->used = used + size - 1;
}

/* `size` bytes of the kernel's own memory; the compiler must know it. */
INLINE void record_kernel_bytes(struct record *record, enum piece piece, const void *from, __u32 size)
{
	__u32 used = record->used;
	if (used >= TEXT || bpf_probe_read_kernel(&record->text[used], size, from))
		return;
	record->event.lengths[piece] = size;
	record->used = used + size;
}
