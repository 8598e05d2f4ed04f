"""libbpf.so.1 through cffi's ABI mode: no compiler is needed where the monitor is installed.

In: nothing but the shared library (Debian's libbpf1, 1.1 or later). Out: `library()`, and `check`, which turns libbpf's
way of failing (NULL or a negative number, errno set) into `KernelError` together with what libbpf had to say. Called by
`loader`, `maps` and `layout`.
"""

import functools
import os
from typing import Any, Final

import cffi

DECLARATIONS: Final = """
struct bpf_object; struct bpf_program; struct bpf_map; struct bpf_link; struct btf;
struct bpf_object_open_opts {
    size_t sz; const char *object_name; bool relaxed_maps; const char *pin_root_path; long :0;
    unsigned int kconfig_set; const char *kconfig; const char *btf_custom_path;
    char *kernel_log_buf; size_t kernel_log_size; unsigned int kernel_log_level;
};
struct bpf_test_run_opts {
    size_t sz; const void *data_in; void *data_out; unsigned int data_size_in, data_size_out;
    const void *ctx_in; void *ctx_out; unsigned int ctx_size_in, ctx_size_out;
    unsigned int retval; int repeat; unsigned int duration, flags, cpu, batch_size;
};
struct btf_type { unsigned int name_off; unsigned int info; unsigned int size; };
struct btf_member { unsigned int name_off; unsigned int type; unsigned int offset; };
struct btf_var_secinfo { unsigned int type; unsigned int offset; unsigned int size; };
struct btf_array { unsigned int type; unsigned int index_type; unsigned int nelems; };

struct bpf_object *bpf_object__open_file(const char *path, const struct bpf_object_open_opts *opts);
int bpf_object__load(struct bpf_object *object);
void bpf_object__close(struct bpf_object *object);
struct btf *bpf_object__btf(const struct bpf_object *object);
struct bpf_map *bpf_object__next_map(const struct bpf_object *object, const struct bpf_map *map);
struct bpf_program *bpf_object__next_program(const struct bpf_object *object, struct bpf_program *program);
const char *bpf_map__name(const struct bpf_map *map);
int bpf_map__fd(const struct bpf_map *map);
int bpf_map__set_max_entries(struct bpf_map *map, unsigned int count);
void *bpf_map__initial_value(struct bpf_map *map, size_t *size);
const char *bpf_program__name(const struct bpf_program *program);
const char *bpf_program__section_name(const struct bpf_program *program);
int bpf_program__fd(const struct bpf_program *program);
int bpf_program__set_autoload(struct bpf_program *program, bool autoload);
int bpf_program__set_attach_target(struct bpf_program *program, int attach_program, const char *function);
int bpf_program__set_expected_attach_type(struct bpf_program *program, int type);
int bpf_program__set_type(struct bpf_program *program, int type);
struct bpf_link *bpf_program__attach(const struct bpf_program *program);
struct bpf_link *bpf_program__attach_trace(const struct bpf_program *program);
int bpf_program__pin(struct bpf_program *program, const char *path);
int bpf_link__pin(struct bpf_link *link, const char *path);
int bpf_link__fd(const struct bpf_link *link);
int bpf_link__destroy(struct bpf_link *link);
int bpf_map_lookup_elem(int fd, const void *key, void *value);
int bpf_map_update_elem(int fd, const void *key, const void *value, unsigned long long flags);
int bpf_map_delete_elem(int fd, const void *key);
int bpf_map_get_next_key(int fd, const void *current, void *next);
int bpf_obj_get(const char *path);
int bpf_obj_pin(int fd, const char *path);
unsigned int bpf_map__type(const struct bpf_map *map);
unsigned int bpf_map__key_size(const struct bpf_map *map);
unsigned int bpf_map__value_size(const struct bpf_map *map);
unsigned int bpf_map__max_entries(const struct bpf_map *map);
int bpf_obj_get_info_by_fd(int fd, void *info, unsigned int *size);
int bpf_prog_test_run_opts(int fd, struct bpf_test_run_opts *opts);
int bpf_enable_stats(int type);
int libbpf_num_possible_cpus(void);
struct btf *btf__load_vmlinux_btf(void);
struct btf *btf__parse_elf(const char *path, void **extension);
void btf__free(struct btf *btf);
int btf__find_by_name_kind(const struct btf *btf, const char *name, unsigned int kind);
const struct btf_type *btf__type_by_id(const struct btf *btf, unsigned int id);
const char *btf__name_by_offset(const struct btf *btf, unsigned int offset);
long long btf__resolve_size(const struct btf *btf, unsigned int id);
typedef int (*libbpf_print_fn_t)(int level, const char *format, void *arguments);
libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t function);
"""


class KernelError(RuntimeError):
    """The kernel, or the machine, does not let the sensor work; the message names place, cause and remedy."""


ffi: Final = cffi.FFI()
ffi.cdef(DECLARATIONS.replace("long :0;", ""))


@functools.cache
def library() -> Any:  # noqa: ANN401 -- cffi's library object has no type of its own
    """The shared library, quiet; raises `KernelError` with the package's name where it is absent."""
    try:
        found = ffi.dlopen("libbpf.so.1")
    except OSError as error:
        raise KernelError(f"libbpf 1.1 or later is needed: install the package libbpf1 ({error})") from error
    # libbpf's own format strings cannot be read without varargs; the verifier's log comes by its own buffer.
    found.libbpf_set_print(ffi.NULL)
    return found


def check(what: str, result: Any) -> Any:  # noqa: ANN401 -- a pointer or a number, as libbpf gives it
    """`result`, or `KernelError` saying what failed and why where it is NULL or negative."""
    failed = result < 0 if isinstance(result, int) else result == ffi.NULL
    if failed:
        number = -result if isinstance(result, int) and result < -1 else ffi.errno
        raise KernelError(f"{what}: {os.strerror(number)} (errno {number})")
    return result


def text(pointer: Any) -> str:  # noqa: ANN401 -- a char pointer
    """A C string."""
    raw = ffi.string(pointer)
    return raw.decode() if isinstance(raw, bytes) else str(raw)
