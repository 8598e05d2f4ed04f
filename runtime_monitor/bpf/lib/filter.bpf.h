/* Which opens the loaded rules can use. Each of up to 64 clauses is a bit; an open is told where one clause holds, as far
   as the kernel can tell: kernel/open_filter.py makes the tables, and says what a clause may demand.

   A path is asked name by name from the root: `steps` is a trie over (node, beginning of the next name), in which the
   longest entry that fits says all that the shorter ones say. Most paths end at their first name. */
#pragma once
#include "file.bpf.h"

/* How many names of a path are asked, how many bytes of a name, and of the argument. */
enum { ASKED_NAMES = 8, ASKED_BYTES = 56, CHUNK = 64, CHUNKS = 16 };

/* One value, replaced as a whole. The bits of those clauses that ... */
struct filter {
	__u64 reads, writes;  /* an open for reading alone, for writing can fulfil */
	__u64 elsewhere;      /* do not demand a file on a container's root */
	__u64 failed;	      /* do not demand success */
	__u64 upwards;	      /* demand "../" in the argument */
	__u64 anywhere;	      /* demand nothing of the path */
	__u64 leaves;	      /* demand something of the last name */
	__u64 both;	      /* demand it of the path and of the last name */
	__u32 paths, names;   /* nodes: where paths begin, and last names read backwards */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} filters SEC(".maps");

struct step_key {
	__u32 bits, node;
	char name[ASKED_BYTES];  /* a whole name ends with NUL, where there is room */
};
struct step {
	__u64 below, here;  /* clauses that hold however the path goes on, and those that hold if it ends here */
	__u32 next, zero;
};
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct step_key);
	__type(value, struct step);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} steps SEC(".maps");

INLINE struct filter *current_filter(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&filters, &zero);
}

/* The names of a path that are nearest to the root, and the last one. */
struct summit {
	struct walk walk;
	__u64 leaf, names[ASKED_NAMES];  /* struct dentry, the topmost first */
	__u32 depth;
};

static long summit_step(__u32 index, struct summit *summit)
{
	__u64 dentry = summit->walk.dentry;
	long moved = walk_up(&summit->walk, index);
	if (moved == WALK_ON || moved == WALK_END)
		return moved == WALK_END;
	if (!summit->leaf)
		summit->leaf = dentry;
	for (int position = ASKED_NAMES - 1; position > 0; position--)
		summit->names[position] = summit->names[position - 1];
	summit->names[0] = dentry;
	summit->depth++;
	return moved == WALK_LAST_NAME;
}

/* The bound of a size, so that the verifier of Linux 6.1 sees it: the compiler must not compute with it before. */
INLINE __u32 at_most_asked(__u32 size)
{
	asm volatile("" : "+r"(size));
	if (size > ASKED_BYTES)
		size = ASKED_BYTES;
	asm volatile("" : "+r"(size));
	return size;
}

INLINE struct step *step_from(struct step_key *key, __u32 node)
{
	key->bits = 8 * (sizeof(*key) - sizeof(key->bits));
	key->node = node;
	return bpf_map_lookup_elem(&steps, key);
}

struct backwards {
	struct step_key key;
	char end[CHUNK];
	__u32 size;
};

static long backwards_step(__u32 index, struct backwards *name)
{
	if (index >= name->size || index >= ASKED_BYTES)
		return 1;
	name->key.name[index] = name->end[(name->size - 1 - index) & (CHUNK - 1)];
	return 0;
}

/* The functions from here on are global ones, which the verifier takes one by one: together they are too much for it. */

/* The clauses that hold for the last name of a path. */
GLOBAL __u64 leaf_asked(__u32 node, struct summit *summit)
{
	struct backwards name = {};
	if (!summit)
		return -1;
	struct dentry *leaf = (void *)summit->leaf;
	__u32 whole = READ(leaf, d_name.len), size = at_most_asked(whole);
	name.size = size;
	bpf_probe_read_kernel(name.end, size, READ(leaf, d_name.name) + (whole - size));
	bpf_loop(ASKED_BYTES, backwards_step, &name, 0);
	struct step *step = step_from(&name.key, node);
	return step ? step->below | step->here : 0;
}

/* The clauses that hold for a path; all of them where its beginning was not reached. */
GLOBAL __u64 path_asked(__u32 node, struct summit *summit)
{
	__u64 holding = 0;
	if (!summit || summit->depth >= DEEPEST)
		return -1;
#pragma unroll
	for (__u32 position = 0; position < ASKED_NAMES; position++) {
		struct step_key key = {};
		struct dentry *dentry = (void *)summit->names[position];
		__u32 size = at_most_asked(READ(dentry, d_name.len));
		if (position >= summit->depth)
			break;
		bpf_probe_read_kernel(key.name, size, READ(dentry, d_name.name));
		struct step *step = step_from(&key, node);
		if (!step)
			break;
		holding |= step->below;
		if (position + 1 == summit->depth)
			holding |= step->here;
		node = step->next;
		if (!node)
			break;
	}
	return holding;
}

/* The highest bit of each byte that is this one. */
INLINE __u64 bytes_that_are(__u64 word, __u8 byte)
{
	__u64 other = word ^ byte * 0x0101010101010101ULL, low = 0x7f7f7f7f7f7f7f7fULL;
	return ~(((other & low) + low) | other | low);
}

struct reading {
	__u64 argument, words[CHUNK / 8];
	__u32 upwards, zero;
};

static long reading_step(__u32 index, struct reading *reading)
{
	__u64 before = 0;
	long size = bpf_probe_read_user_str(reading->words, sizeof(reading->words), (void *)reading->argument);
	reading->upwards = size < 0 || index == CHUNKS - 1;
	for (int position = 0; position < CHUNK / 8; position++) {
		__u64 dots = bytes_that_are(reading->words[position], '.');
		__u64 slashes = bytes_that_are(reading->words[position], '/');
		reading->upwards |= (slashes & (dots << 8 | before >> 56) & (dots << 16 | before >> 48)) != 0;
		before = dots;
	}
	/* The next part begins with the last two bytes of this one, which ends with NUL. */
	reading->argument += CHUNK - 3;
	return reading->upwards || size < CHUNK;
}

/* Whether "../" stands in a string of the process; also where it cannot be read. */
GLOBAL int leads_upwards(__u64 argument)
{
	struct reading reading = {.argument = argument};
	bpf_loop(CHUNKS, reading_step, &reading, 0);
	return reading.upwards;
}

/* Whether one of the clauses `wanted` holds for the path of a struct file: on a container's root from there, elsewhere
   from the root of the task. */
GLOBAL int path_is_asked(__u64 wanted, __u64 address, int on_root)
{
	struct file *file = (void *)address;
	struct filter *filter = current_filter();
	struct summit summit = {.walk = {.dentry = (__u64)READ(file, f_path.dentry)}};
	if (!filter)
		return 0;
	if (!on_root)
		summit.walk = walk_to_root_of_task(&file->f_path, bpf_get_current_task_btf());
	bpf_loop(DEEPEST, summit_step, &summit, 0);
	__u64 by_leaf = wanted & filter->leaves ? leaf_asked(filter->names, &summit) : 0;
	if (wanted & by_leaf & ~filter->both)
		return 1;
	return (wanted & path_asked(filter->paths, &summit) & (~filter->both | by_leaf)) != 0;
}
