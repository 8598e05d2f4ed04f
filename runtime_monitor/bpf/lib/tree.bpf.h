/* Writes from the host's side: the file is on a file system of the host, beneath a directory that is a root's storage. */
#pragma once
#include "task.bpf.h"

enum { TREE_DEEPEST = 64 };

struct climb {
	__u64 dentry;
	struct tree tree;
	__u32 root;
};

static long climb_step(__u32 index, struct climb *climb)
{
	struct dentry *dentry = (void *)climb->dentry, *parent = READ(dentry, d_parent);
	climb->tree.inode = READ(READ(dentry, d_inode), i_ino);
	__u32 *root = bpf_map_lookup_elem(&trees, &climb->tree);
	if (root) {
		climb->root = *root;
		return 1;
	}
	climb->dentry = (__u64)parent;
	return dentry == parent;
}

/* The root whose storage the dentry lies in, 0: none. */
INLINE __u32 root_of_tree(struct dentry *dentry, __u32 device)
{
	struct climb climb = {.dentry = (__u64)dentry, .tree = {.device = device}};
	if (!bpf_map_lookup_elem(&trees, &climb.tree))
		return 0;
	bpf_loop(TREE_DEEPEST, climb_step, &climb, 0);
	return climb.root;
}
