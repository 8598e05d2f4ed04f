/* Which container a task belongs to, and the part of an event that says who it was. */
#pragma once
#include "kernel.bpf.h"
#include "record.bpf.h"

INLINE __u32 superblock_device(struct super_block *superblock)
{
	return READ(superblock, s_dev);
}

INLINE __u32 task_root_device(struct task_struct *task)
{
	return superblock_device(READ(READ(READ(task, fs), root.mnt), mnt_sb));
}

INLINE __u32 task_mount_namespace(struct task_struct *task)
{
	return READ(READ(READ(task, nsproxy), mnt_ns), ns.inum);
}

/* The number of a pid in its innermost namespace; `struct pid` ends with one entry a level. */
INLINE struct upid *innermost(struct pid *pid)
{
	return (void *)&pid->numbers + READ(pid, level) * TYPE_SIZE(struct upid);
}

INLINE __u32 task_pid_namespace(struct task_struct *task)
{
	return READ(READ(innermost(READ(task, thread_pid)), ns), ns.inum);
}

INLINE __u32 task_vpid(struct task_struct *task)
{
	return READ(innermost(READ(READ(task, group_leader), thread_pid)), nr);
}

INLINE __u64 task_cgroup(struct task_struct *task)
{
	return READ(READ(READ(READ(task, cgroups), dfl_cgrp), kn), id);
}

INLINE __u32 task_tty(struct task_struct *task)
{
	struct tty_struct *tty = READ(READ(task, signal), tty);
	if (!tty)
		return 0;
	struct tty_driver *driver = READ(tty, driver);
	return READ(driver, major) << 20 | (READ(driver, minor_start) + READ(tty, index));
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
	struct task_struct *leader = READ(task, group_leader), *parent = READ(leader, real_parent);
	struct cred *cred = READ(task, cred);
	event->pid = READ(task, tgid);
	event->tid = READ(task, pid);
	event->vpid = task_vpid(task);
	event->start = READ(leader, start_boottime);
	event->parent = READ(parent, tgid);
	event->parent_vpid = task_vpid(parent);
	event->parent_start = READ(READ(parent, group_leader), start_boottime);
	event->uid = READ(cred, uid.val);
	event->gid = READ(cred, gid.val);
	event->login_uid = READ(task, loginuid.val);
	bpf_probe_read_kernel(&event->permitted, sizeof(event->permitted), &cred->cap_permitted);
	bpf_probe_read_kernel(&event->effective, sizeof(event->effective), &cred->cap_effective);
	bpf_probe_read_kernel(&event->inheritable, sizeof(event->inheritable), &cred->cap_inheritable);
	event->tty = task_tty(task);
	event->cgroup = task_cgroup(task);
	event->pid_namespace = task_pid_namespace(task);
	event->mount_namespace = task_mount_namespace(task);
	event->session_leader = READ(innermost(READ(READ(task, signal), pids[3])), nr);
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), &task->comm);
	bpf_probe_read_kernel(event->parent_comm, sizeof(event->parent_comm), &parent->comm);
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
