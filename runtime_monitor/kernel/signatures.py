"""Arguments of calls by the names that Falco gives them: an event's `evt.args`, as numbers and texts.

In: a call, the six values that it was made with, and the texts that some of them point to. Out: name -> value. Called
by `decode`; what the numbers mean is `rules.arguments`' to say.
"""

from collections.abc import Mapping
from typing import Final

from runtime_monitor.kernel.calls import Call

SIGNATURES: Final = {
    "open": ("name", "flags", "mode"),
    "creat": ("name", "mode"),
    "openat": ("dirfd", "name", "flags", "mode"),
    "openat2": ("dirfd", "name", "how", "size"),
    "unlink": ("name",),
    "unlinkat": ("dirfd", "name", "flags"),
    "rmdir": ("name",),
    "mkdir": ("path", "mode"),
    "mkdirat": ("dirfd", "path", "mode"),
    "mknod": ("path", "mode", "dev"),
    "mknodat": ("dirfd", "path", "mode", "dev"),
    "truncate": ("path", "size"),
    "chmod": ("filename", "mode"),
    "fchmod": ("fd", "mode"),
    "fchmodat": ("dirfd", "filename", "mode"),
    "fchmodat2": ("dirfd", "filename", "mode", "flags"),
    "chown": ("path", "uid", "gid"),
    "lchown": ("path", "uid", "gid"),
    "fchown": ("fd", "uid", "gid"),
    "fchownat": ("dirfd", "pathname", "uid", "gid", "flags"),
    "rename": ("oldpath", "newpath"),
    "renameat": ("olddirfd", "oldpath", "newdirfd", "newpath"),
    "renameat2": ("olddirfd", "oldpath", "newdirfd", "newpath", "flags"),
    "link": ("oldpath", "newpath"),
    "linkat": ("olddir", "oldpath", "newdir", "newpath", "flags"),
    "symlink": ("target", "linkpath"),
    "symlinkat": ("target", "linkdirfd", "linkpath"),
    "mmap": ("addr", "length", "prot", "flags", "fd", "offset"),
    "ftruncate": ("fd", "size"),
    "fallocate": ("fd", "mode", "offset", "length"),
    "write": ("fd", "data", "size"),
    "mount": ("dev", "dir", "type", "flags"),
    "umount2": ("name", "flags"),
    "setns": ("fd", "nstype"),
    "unshare": ("flags",),
    "ptrace": ("request", "pid", "addr", "data"),
    "process_vm_writev": ("pid",),
    "memfd_create": ("name", "flags"),
    "bpf": ("cmd",),
    "chroot": ("path",),
    "pivot_root": ("newpath", "putold"),
    "init_module": ("img", "length", "uargs"),
    "finit_module": ("fd", "uargs", "flags"),
    "socket": ("domain", "type", "proto"),
    "bind": ("fd",),
    "connect": ("fd", "addr"),
    "listen": ("fd", "backlog"),
    "accept": ("fd",),
    "accept4": ("fd", "", "", "flags"),
    "sendto": ("fd", "data", "size"),
    "recvfrom": ("fd", "data", "size"),
    "sendmsg": ("fd",),
    "recvmsg": ("fd",),
    "sendmmsg": ("fd",),
    "recvmmsg": ("fd",),
    "dup": ("oldfd",),
    "dup2": ("oldfd", "newfd"),
    "dup3": ("oldfd", "newfd", "flags"),
    "fcntl": ("fd", "cmd"),
    "setuid": ("uid",),
    "setgid": ("gid",),
    "setreuid": ("ruid", "euid"),
    "setregid": ("rgid", "egid"),
    "setresuid": ("ruid", "euid", "suid"),
    "setresgid": ("rgid", "egid", "sgid"),
    "setpgid": ("pid", "pgid"),
    "userfaultfd": ("flags",),
}
"""Names of a call's arguments as Falco has them, for `evt.args`; a text stands there in place of its address, and what
has no name is left out."""
_SIGNED: Final = ("dirfd", "fd", "uid", "gid", "backlog")


def arguments(call: Call, values: tuple[int, ...], texts: Mapping[int, str]) -> dict[str, str | int]:
    """`evt.args`: what is known of each argument by its name; addresses of texts that are not known are left out."""
    found: dict[str, str | int] = {}
    for position, name in enumerate(SIGNATURES.get(call.event_type, ())):
        if position in texts:
            found[name] = texts[position]
        elif name and position not in (call.path, call.path2):
            found[name] = _signed(values[position]) if name.endswith(_SIGNED) else values[position]
    return found


def _signed(value: int) -> int:
    """A descriptor is an int: AT_FDCWD is -100. So is a user's number where -1 leaves it as it is."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
