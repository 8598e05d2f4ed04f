/* From a descriptor to its struct file, and the part of an event that says what was touched. */
#pragma once
#include "path.bpf.h"
#include "task.bpf.h"

enum { FMODE_WRITE = 0x2, FMODE_CREATED = 0x100000 };
enum { OVERLAYFS_SUPER_MAGIC = 0x794c7630, TMPFS_MAGIC = 0x01021994, ANON_INODE_FS_MAGIC = 0x09041934,
       SOCKFS_MAGIC = 0x534F434B };
enum { S_IFMT = 0170000, S_IFIFO = 0010000, S_IFCHR = 0020000, S_IFREG = 0100000, S_IFSOCK = 0140000 };

INLINE struct file *file_of_descriptor(struct task_struct *task, __u32 descriptor)
{
	struct fdtable *table = task->files->fdt;
	if (descriptor >= table->max_fds)
		return 0;
	return (struct file *)word_at(table->fd + descriptor);
}

INLINE __u32 stdin_kind(struct task_struct *task)
{
	struct file *file = file_of_descriptor(task, 0);
	if (!file)
		return STDIN_UNKNOWN;
	struct inode *inode = READ(file, f_inode);
	__u32 device = READ(inode, i_rdev);
	switch (READ(inode, i_mode) & S_IFMT) {
	case S_IFIFO:
		return STDIN_PIPE;
	case S_IFSOCK:
		return STDIN_SOCKET;
	case S_IFCHR:
		/* 1:3 is /dev/null; 4, 5 and 136-143 are terminals (admin-guide/devices.txt). */
		if (device == (1 << 20 | 3))
			return STDIN_NULL;
		return device >> 20 == 4 || device >> 20 == 5 || device >> 20 >= 136 ? STDIN_TTY : STDIN_FILE;
	}
	return STDIN_FILE;
}

INLINE int is_overlay(struct inode *inode)
{
	return READ(READ(inode, i_sb), s_magic) == OVERLAYFS_SUPER_MAGIC;
}

/* An overlay's inode is embedded in struct ovl_inode, whose next member is the dentry in the upper layer; the type
   itself is absent from BTF where overlay is a module that is not loaded. */
INLINE int in_upper_layer(struct inode *inode)
{
	if (!is_overlay(inode))
		return 0;
	return word_at((void *)inode + TYPE_SIZE(struct inode)) != 0;
}

enum { CAP_DAC_OVERRIDE = 1 << 1, S_IMMUTABLE = 8, WRITABLE = 2 };

/* By owner, group, others or DAC_OVERRIDE (generic_permission of fs/namei.c); further groups and ACLs are not asked. */
INLINE int may_write(struct task_struct *task, struct inode *inode)
{
	__u64 effective = 0;
	__u32 mode = READ(inode, i_mode);
	if (READ(inode, i_flags) & S_IMMUTABLE)
		return 0;
	bpf_probe_read_kernel(&effective, sizeof(effective), &task->cred->cap_effective);
	if (effective & CAP_DAC_OVERRIDE)
		return 1;
	if (READ(inode, i_uid.val) == task->cred->fsuid.val)
		mode >>= 6;
	else if (READ(inode, i_gid.val) == task->cred->fsgid.val)
		mode >>= 3;
	return mode & WRITABLE;
}

INLINE __u64 nanoseconds(__s64 seconds, __u64 rest)
{
	return seconds * 1000000000ULL + rest;
}

INLINE void record_times(struct record *record, struct inode *inode)
{
	struct inode___timespec *middle = (void *)inode;
	struct inode___plain *old = (void *)inode;
	struct timespec64 changed = {}, modified = {};
	if (FIELD_EXISTS(inode->i_ctime_sec)) {
		changed.tv_sec = READ(inode, i_ctime_sec);
		changed.tv_nsec = READ(inode, i_ctime_nsec);
		modified.tv_sec = READ(inode, i_mtime_sec);
		modified.tv_nsec = READ(inode, i_mtime_nsec);
	} else if (FIELD_EXISTS(middle->__i_ctime)) {
		changed = READ(middle, __i_ctime);
		if (FIELD_EXISTS(middle->__i_mtime))
			modified = READ(middle, __i_mtime);
		else
			modified = READ(middle, i_mtime);
	} else {
		changed = READ(old, i_ctime);
		modified = READ(old, i_mtime);
	}
	record->event.changed = nanoseconds(changed.tv_sec, changed.tv_nsec);
	record->event.modified = nanoseconds(modified.tv_sec, modified.tv_nsec);
}

/* Device, inode, layer; the path from the superblock's root where the file lies on a container's, else the task's. */
INLINE void record_file(struct record *record, struct file *file, struct task_struct *task)
{
	struct event *event = &record->event;
	struct inode *inode = READ(file, f_inode);
	struct dentry *dentry = READ(file, f_path.dentry);
	struct super_block *superblock = READ(inode, i_sb);
	event->device = superblock_device(superblock);
	event->inode = READ(inode, i_ino);
	event->mode = READ(inode, i_mode);
	event->flags |= FLAG_OBJECT;
	if (READ(inode, i_nlink) == 0)
		event->flags |= FLAG_DELETED;
	if (READ(superblock, s_magic) == ANON_INODE_FS_MAGIC)
		event->flags |= FLAG_ANONYMOUS;
	if (in_upper_layer(inode))
		event->flags |= FLAG_UPPER;
	if (event->device == event->root || root_state(event->device)) {
		event->flags |= FLAG_ON_ROOT;
		record_path_on_superblock(record, PIECE_PATH, dentry);
	} else {
		record_path_of_task(record, PIECE_PATH, &file->f_path, task);
	}
}
