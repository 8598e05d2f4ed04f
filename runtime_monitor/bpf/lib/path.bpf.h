/* The path of a dentry, by walking to the root of its superblock or of the task. */
#pragma once
#include "kernel.bpf.h"
#include "record.bpf.h"

enum { DEEPEST = 2048, NAME_LONGEST = 255 };

struct walk {
	__u64 dentry, mount;	       /* struct dentry, struct vfsmount: where the walk is */
	__u64 stop_dentry, stop_mount; /* the task's root; 0: to the root of the superblock, crossing no mount */
	__u32 slot, begin;
};

INLINE struct mount *mount_of(struct vfsmount *mount)
{
	return (void *)mount - FIELD_OFFSET(struct mount, mnt);
}

enum { WALK_ON, WALK_END, WALK_NAME, WALK_LAST_NAME };

/* Moves up by one name or across one mount point, and says which. */
INLINE long walk_up(struct walk *walk, __u32 index)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct dentry *parent = READ(dentry, d_parent);
	struct vfsmount *mount = (void *)walk->mount;
	if (walk->dentry == walk->stop_dentry && walk->mount == walk->stop_mount)
		return WALK_END;
	if (walk->stop_mount && (dentry == READ(mount, mnt_root))) {
		struct mount *inner = mount_of(mount), *outer = READ(inner, mnt_parent);
		if (inner == outer)
			return WALK_END;
		walk->dentry = (__u64)READ(inner, mnt_mountpoint);
		walk->mount = (__u64)&outer->mnt;
		return WALK_ON;
	}
	if (dentry == parent && index)
		return WALK_END;
	walk->dentry = (__u64)parent;
	return dentry == parent ? WALK_LAST_NAME : WALK_NAME;
}

/* One name; 1 ends the walk. Called by bpf_loop, so that its length costs the verifier nothing. */
static long walk_step(__u32 index, struct walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;
	long moved = walk_up(walk, index);
	if (moved == WALK_ON || moved == WALK_END)
		return moved == WALK_END;
	struct record *record = bpf_map_lookup_elem(&records, &walk->slot);
	if (!record)
		return 1;
	__u32 used = record->used, size = READ(dentry, d_name.len);
	if (used >= TEXT || used - walk->begin >= LONGEST || index == DEEPEST - 1) {
		record->event.flags |= FLAG_PATH_CUT;
		return 1;
	}
	const unsigned char *name = READ(dentry, d_name.name);
	if (size > NAME_LONGEST)
		size = NAME_LONGEST;
	/* Of a copy that was put aside before it was compared the verifier of Linux 6.1 knows no bound: it is said again. */
	asm volatile("" : "+r"(size), "+r"(used));
	size &= NAME_LONGEST;
	used &= TEXT - 1;
	if (bpf_probe_read_kernel(&record->text[used], size, name))
		return 1;
	record->text[used + size] = '/';
	record->used = used + size + 1;
	return moved == WALK_LAST_NAME;
}

INLINE void record_walk(struct record *record, enum piece piece, struct walk *walk)
{
	walk->slot = record->slot;
	walk->begin = record->used;
	bpf_loop(DEEPEST, walk_step, walk, 0);
	record->event.lengths[piece] = record->used - walk->begin;
}

/* The path from the root of the file's own superblock: what a container sees of a file on its root. */
INLINE void record_path_on_superblock(struct record *record, enum piece piece, struct dentry *dentry)
{
	struct walk walk = {.dentry = (__u64)dentry};
	record_walk(record, piece, &walk);
}

INLINE struct walk walk_to_root_of_task(struct path *path, struct task_struct *task)
{
	struct walk walk = {
		.dentry = (__u64)READ(path, dentry),
		.mount = (__u64)READ(path, mnt),
		.stop_dentry = (__u64)task->fs->root.dentry,
		.stop_mount = (__u64)task->fs->root.mnt,
	};
	return walk;
}

/* The path from the task's root, across mounts. */
INLINE void record_path_of_task(struct record *record, enum piece piece, struct path *path, struct task_struct *task)
{
	struct walk walk = walk_to_root_of_task(path, task);
	record_walk(record, piece, &walk);
}
