/* Who is above a process. */
#pragma once
#include "task.bpf.h"

enum { MOST_ANCESTORS = 16 };

/* As they are now: a runtime's helper ends once it has started what it was to start, and then nobody could tell. */
INLINE void record_ancestors(struct record *record, struct task_struct *task)
{
	__u32 begin = record->used;
	struct task_struct *above = task->group_leader->real_parent;
	for (int level = 0; level < MOST_ANCESTORS; level++) {
		struct ancestor ancestor = {.pid = above->tgid, .start = above->group_leader->start_boottime};
		__u32 used = record->used;
		/* Its bound is asked of what is used: unrolled, the compiler would add up the sizes beside it. */
		asm volatile("" : "+r"(used));
		bpf_probe_read_kernel(ancestor.comm, sizeof(ancestor.comm), &above->group_leader->comm);
		if (!ancestor.pid || used >= TEXT ||
		    bpf_probe_read_kernel(&record->text[used], sizeof(ancestor), &ancestor))
			break;
		record->used = used + sizeof(ancestor);
		above = above->group_leader->real_parent;
	}
	record->event.lengths[PIECE_ANCESTORS] = record->used - begin;
}
