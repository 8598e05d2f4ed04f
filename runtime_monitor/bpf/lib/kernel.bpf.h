/* What is read of the kernel's own types. Offsets come from the running kernel's BTF when an object is loaded (CO-RE);
   a name after three underscores is another kernel's form of the same type. */
#pragma once
#include "helpers.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long di, si, dx, r10, r8, r9, bx, cx, bp, orig_ax;
};

struct number {
	__u32 val;
};
struct ns_common {
	unsigned int inum;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct pid_namespace {
	struct ns_common ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct file_system_type {
	const char *name;
};
struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};
struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};
struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__u32 i_rdev;
	struct number i_uid, i_gid;
	unsigned int i_flags;
	__s64 i_ctime_sec, i_mtime_sec;
	__u32 i_ctime_nsec, i_mtime_nsec;
};
/* Before 6.11 (commit 3aa63a569c64). */
struct inode___timespec {
	struct timespec64 __i_ctime, i_mtime, __i_mtime;
};
/* Before 6.6 (commit 13bc24457850). */
struct inode___plain {
	struct timespec64 i_ctime, i_mtime;
};
struct qstr {
	__u32 len;
	const unsigned char *name;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root, pwd;
};

struct kernfs_node {
	__u64 id;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};

struct tty_driver {
	int major, minor_start;
};
struct tty_struct {
	int index;
	struct tty_driver *driver;
};
struct signal_struct {
	struct {
		int counter;
	} live;
	struct pid *pids[4];
	struct tty_struct *tty;
};
/* Two words of 32 bits before 6.3 (commit f122a08b197d), the same eight bytes on a little-endian machine. */
struct capabilities {
	__u64 value;
};
struct cred {
	struct number euid, egid, fsuid, fsgid;
	struct capabilities cap_inheritable, cap_permitted, cap_effective;
};
struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
};
struct thread_info {
	__u32 status;
};
struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	__u32 pid, tgid;
	int exit_code;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	struct cred *cred, *real_cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct number loginuid;
	struct css_set *cgroups;
	void *bpf_storage;
};
struct linux_binprm {
	struct file *file;
	const char *filename, *interp;
};

struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_dport, skc_num, skc_family;
	__u8 skc_state;
	struct in6_addr {
		__u8 bytes[16];
	} skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	__u8 sk_userlocks;
	__u16 sk_type, sk_protocol;
};
struct socket {
	struct sock *sk;
};
struct inet_bind_bucket {
	signed char fastreuse;
};
struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
};
struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[0];
};
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

#pragma clang attribute pop

/* Eight bytes of no type of their own, by a type of the kernel that is two such words. */
INLINE __u64 word_at(const void *pointer)
{
	struct timespec64 *words = (void *)pointer;
	return READ(words, tv_sec);
}

INLINE void copy_words(void *to, const void *from, int count)
{
	__u64 *words = to;
	if (!can_cast)
		bpf_probe_read_kernel(to, count * sizeof(__u64), from);
	else
		for (int each = 0; each < count; each++)
			words[each] = word_at(from + each * sizeof(__u64));
}
