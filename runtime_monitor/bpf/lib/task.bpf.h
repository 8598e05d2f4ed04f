/* Which container a task belongs to, and the part of an event that says who it was. */
#pragma once
#include "kernel.bpf.h"
#include "record.bpf.h"

/* A task here is one that the verifier knows, from a trace point or as the current one: its fields are plain loads,
   which cost a tenth of READ. */

INLINE __u32 superblock_device(struct super_block *superblock)
{
	return READ(superblock, s_dev);
}

INLINE __u32 task_root_device(struct task_struct *task)
{
	return task->fs->root.mnt->mnt_sb->s_dev;
}

INLINE __u32 task_mount_namespace(struct task_struct *task)
{
	return task->nsproxy->mnt_ns->ns.inum;
}

/* The number of a pid in its innermost namespace; `struct pid` ends with one entry a level. */
INLINE struct upid innermost(struct pid *pid)
{
	struct upid upid;
	/* 32 levels at most (MAX_PID_NS_LEVEL) of 16 bytes; the verifier of Linux 6.1 wants to see the bound of the sum. */
	__u64 offset = (pid->level * TYPE_SIZE(struct upid)) & 511;
	struct upid *inner = (void *)&pid->numbers + offset;
	upid.nr = READ(inner, nr);
	upid.ns = READ(inner, ns);
	return upid;
}

INLINE __u32 namespace_of_pid(struct pid *pid)
{
	return READ(innermost(pid).ns, ns.inum);
}

INLINE __u32 task_pid_namespace(struct task_struct *task)
{
	return namespace_of_pid(task->thread_pid);
}

INLINE __u32 task_vpid(struct task_struct *task)
{
	return innermost(task->group_leader->thread_pid).nr;
}

INLINE __u64 task_cgroup(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

INLINE __u32 task_tty(struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;
	if (!tty)
		return 0;
	return tty->driver->major << 20 | (tty->driver->minor_start + tty->index);
}

/* The state of a container's root, 0 where the device is none. */
INLINE __u32 root_state(__u32 device)
{
	struct root *root = bpf_map_lookup_elem(&roots, &device);
	return root && root->state != ROOT_IGNORED ? root->state : 0;
}

/* The container's root that is the root of a task, 0 where that is none. */
INLINE __u32 task_root(struct task_struct *task)
{
	__u32 device = task_root_device(task);
	return root_state(device) ? device : 0;
}

/* The root of the container that a task belongs to by its root directory, namespaces or cgroup; 0: by none of them. */
INLINE __u32 task_container(struct task_struct *task)
{
	__u32 device = task_root(task);
	if (device)
		return device;
	__u32 number = task_pid_namespace(task);
	__u32 *found = bpf_map_lookup_elem(&namespaces, &number);
	if (!found) {
		number = task_mount_namespace(task);
		found = bpf_map_lookup_elem(&namespaces, &number);
	}
	if (!found) {
		__u64 cgroup = task_cgroup(task);
		found = bpf_map_lookup_elem(&cgroups, &cgroup);
	}
	return found ? *found : 0;
}

INLINE void record_task(struct record *record, struct task_struct *task)
{
	struct event *event = &record->event;
	struct task_struct *leader = task->group_leader, *parent = leader->real_parent;
	struct upid pid = innermost(leader->thread_pid);
	event->pid = task->tgid;
	event->tid = task->pid;
	event->vpid = pid.nr;
	event->start = leader->start_boottime;
	event->parent = parent->tgid;
	event->parent_vpid = task_vpid(parent);
	event->parent_start = parent->group_leader->start_boottime;
	event->uid = task->cred->euid.val;
	event->gid = task->cred->egid.val;
	event->login_uid = task->loginuid.val;
	/* Three in a row since 2.6 (include/linux/cred.h). */
	copy_words(&event->inheritable, &task->cred->cap_inheritable, 3);
	event->tty = task_tty(task);
	event->cgroup = task_cgroup(task);
	event->pid_namespace = READ(pid.ns, ns.inum);
	event->mount_namespace = task_mount_namespace(task);
	if (task->signal->pids[2] == leader->thread_pid)
		event->flags |= FLAG_GROUP_LEADER;
	event->session_leader = innermost(task->signal->pids[3]).nr;
	copy_words(event->comm, &task->comm, sizeof(event->comm) / sizeof(__u64));
	copy_words(event->parent_comm, &parent->comm, sizeof(event->parent_comm) / sizeof(__u64));
}

INLINE void record_membership(struct record *record, struct membership *member)
{
	if (!member)
		return;
	record->event.session = member->session;
	record->event.session_start = member->session_start;
	if (!record->event.root)
		record->event.root = member->root;
}

/* Says of the root that the event is about whether user space knows it, and whether the task is in its cgroup. */
INLINE void record_root(struct record *record)
{
	struct event *event = &record->event;
	struct root *root = bpf_map_lookup_elem(&roots, &event->root);
	if (!root)
		return;
	if (root->state == ROOT_PROVISIONAL)
		event->flags |= FLAG_PROVISIONAL;
	if (root->cgroup == event->cgroup)
		event->flags |= FLAG_IN_CGROUP;
}
