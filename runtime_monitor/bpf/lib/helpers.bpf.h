/* The kernel's helper functions that the programs call (uapi/linux/bpf.h gives the numbers), and CO-RE shorthands. */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define GLOBAL __attribute__((noinline))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PROG_ARRAY = 3, BPF_MAP_TYPE_PERCPU_ARRAY = 6,
       BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_LPM_TRIE = 11, BPF_MAP_TYPE_RINGBUF = 27, BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_F_NO_PREALLOC = 1 };
enum { LIBBPF_PIN_BY_NAME = 1 };

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static __u32 (*bpf_get_smp_processor_id)(void) = (void *)8;
static long (*bpf_tail_call)(void *context, void *map, __u32 index) = (void *)12;
static long (*bpf_probe_read_user)(void *to, __u32 size, const void *from) = (void *)112;
static long (*bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static long (*bpf_probe_read_user_str)(void *to, __u32 size, const void *from) = (void *)114;
static long (*bpf_probe_read_kernel_str)(void *to, __u32 size, const void *from) = (void *)115;
static __u64 (*bpf_ktime_get_boot_ns)(void) = (void *)125;
static long (*bpf_ringbuf_output)(void *ring, void *data, __u64 size, __u64 flags) = (void *)130;
static void *(*bpf_task_storage_get)(void *map, void *task, void *value, __u64 flags) = (void *)156;
static void *(*bpf_get_current_task_btf)(void) = (void *)158;
static long (*bpf_for_each_map_elem)(void *map, void *callback, void *context, __u64 flags) = (void *)164;
static void *(*bpf_task_pt_regs)(void *task) = (void *)175;
static long (*bpf_loop)(__u32 count, void *callback, void *context, __u64 flags) = (void *)181;

/* Whether the kernel lets a program say of which type a pointer is (since 6.2, commit a35b9af4ec2c); told by user space. */
const volatile int can_cast;
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __attribute__((section(".ksyms"), weak));

/* A field behind a pointer that the verifier does not know; 0 where it cannot be read. A load of a cast pointer costs a
   tenth of a call that copies. */
#define READ(pointer, field)                                                                                   \
	({                                                                                                     \
		typeof((pointer)->field) value_ = {};                                                          \
		if (can_cast)                                                                                  \
			value_ = ((typeof(pointer))bpf_rdonly_cast(pointer, TYPE_NUMBER(*(pointer))))->field;  \
		else                                                                                           \
			bpf_probe_read_kernel(&value_, sizeof(value_), &(pointer)->field);                     \
		value_;                                                                                        \
	})
/* The same of a field that may be some bits of a byte. */
#define READ_BITS(pointer, field)                                                               \
	({                                                                                      \
		__u64 value_ = 0;                                                               \
		bpf_probe_read_kernel(&value_, __builtin_preserve_field_info((pointer)->field, 1), \
				      (void *)(pointer) + __builtin_preserve_field_info((pointer)->field, 0)); \
		value_ <<= __builtin_preserve_field_info((pointer)->field, 4);                  \
		value_ >> __builtin_preserve_field_info((pointer)->field, 5);                   \
	})
/* BPF_TYPE_ID_TARGET: the number in the running kernel's BTF. */
#define TYPE_NUMBER(type) __builtin_btf_type_id(type, 1)
#define FIELD_EXISTS(field) __builtin_preserve_field_info(field, 2)
#define FIELD_SIZE(field) __builtin_preserve_field_info(field, 1)
#define FIELD_OFFSET(type, field) __builtin_preserve_field_info(((type *)0)->field, 0)
#define TYPE_SIZE(type) __builtin_preserve_type_info(*(type *)0, 1)

char LICENSE[] SEC("license") = "GPL";
