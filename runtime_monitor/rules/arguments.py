"""Arguments of system calls as rules see them: numbers of the kernel become Falco's names.

In: an event's type, and the name and value of one of its arguments, as the sensor records it. Out: text, such as
`O_WRONLY|O_TRUNC`. Called by the fields `evt.arg` and `evt.args`. A value that is text already, or that nothing is
known of, stays as it is. The numbers are the kernel's (include/uapi) on x86-64; arm64 differs in some O_ flags. The
names are those of Falco's driver (ppm_events_public.h), so mount's have no MS_ in front.
"""

from collections.abc import Mapping

OPEN_ACCESS = ("O_RDONLY", "O_WRONLY", "O_RDWR")
OPEN = {
    0o100: "O_CREAT", 0o200: "O_EXCL", 0o1000: "O_TRUNC", 0o2000: "O_APPEND", 0o4000: "O_NONBLOCK", 0o10000: "O_DSYNC",
    0o40000: "O_DIRECT", 0o100000: "O_LARGEFILE", 0o200000: "O_DIRECTORY", 0o400000: "O_NOFOLLOW",
    0o2000000: "O_CLOEXEC", 0o4000000: "O_SYNC", 0o10000000: "O_PATH", 0o20000000: "O_TMPFILE",
}  # fmt: skip
MODE = {
    0o4000: "S_ISUID", 0o2000: "S_ISGID", 0o1000: "S_ISVTX", 0o400: "S_IRUSR", 0o200: "S_IWUSR", 0o100: "S_IXUSR",
    0o40: "S_IRGRP", 0o20: "S_IWGRP", 0o10: "S_IXGRP", 0o4: "S_IROTH", 0o2: "S_IWOTH", 0o1: "S_IXOTH",
}  # fmt: skip
MOUNT = {
    1: "RDONLY", 2: "NOSUID", 4: "NODEV", 8: "NOEXEC", 16: "SYNCHRONOUS", 32: "REMOUNT", 64: "MANDLOCK", 128: "DIRSYNC",
    1024: "NOATIME", 2048: "NODIRATIME", 4096: "BIND", 8192: "MOVE", 16384: "REC", 32768: "SILENT",
    1 << 17: "UNBINDABLE", 1 << 18: "PRIVATE", 1 << 19: "SLAVE", 1 << 20: "SHARED",
    1 << 21: "RELATIME", 1 << 24: "STRICTATIME",
}  # fmt: skip
NAMESPACES = {
    0x80: "CLONE_NEWTIME", 0x20000: "CLONE_NEWNS", 0x2000000: "CLONE_NEWCGROUP", 0x4000000: "CLONE_NEWUTS",
    0x8000000: "CLONE_NEWIPC", 0x10000000: "CLONE_NEWUSER", 0x20000000: "CLONE_NEWPID", 0x40000000: "CLONE_NEWNET",
}  # fmt: skip
UMOUNT = {1: "FORCE", 2: "DETACH", 4: "EXPIRE", 8: "NOFOLLOW"}
MEMFD = {1: "MFD_CLOEXEC", 2: "MFD_ALLOW_SEALING", 4: "MFD_HUGETLB"}
EXECUTED = {1: "EXE_WRITABLE", 2: "EXE_UPPER_LAYER", 4: "EXE_FROM_MEMFD", 8: "EXE_LOWER_LAYER"}
"""Of the file, not of the call: Falco's PPM_EXE_*."""
AT = {0x200: "AT_REMOVEDIR", 0x100: "AT_SYMLINK_NOFOLLOW", 0x400: "AT_SYMLINK_FOLLOW", 0x1000: "AT_EMPTY_PATH"}
PTRACE = {
    0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 3: "PTRACE_PEEKUSR", 4: "PTRACE_POKETEXT",
    5: "PTRACE_POKEDATA", 6: "PTRACE_POKEUSR", 7: "PTRACE_CONT", 8: "PTRACE_KILL", 9: "PTRACE_SINGLESTEP",
    12: "PTRACE_GETREGS", 13: "PTRACE_SETREGS", 14: "PTRACE_GETFPREGS", 15: "PTRACE_SETFPREGS", 16: "PTRACE_ATTACH",
    17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL", 0x4200: "PTRACE_SETOPTIONS", 0x4201: "PTRACE_GETEVENTMSG",
    0x4202: "PTRACE_GETSIGINFO", 0x4203: "PTRACE_SETSIGINFO", 0x4204: "PTRACE_GETREGSET", 0x4205: "PTRACE_SETREGSET",
    0x4206: "PTRACE_SEIZE", 0x4207: "PTRACE_INTERRUPT", 0x4208: "PTRACE_LISTEN", 0x4209: "PTRACE_PEEKSIGINFO",
}  # fmt: skip
BPF = {
    0: "BPF_MAP_CREATE", 1: "BPF_MAP_LOOKUP_ELEM", 2: "BPF_MAP_UPDATE_ELEM", 3: "BPF_MAP_DELETE_ELEM",
    4: "BPF_MAP_GET_NEXT_KEY", 5: "BPF_PROG_LOAD", 6: "BPF_OBJ_PIN", 7: "BPF_OBJ_GET", 8: "BPF_PROG_ATTACH",
    9: "BPF_PROG_DETACH", 17: "BPF_RAW_TRACEPOINT_OPEN", 18: "BPF_BTF_LOAD", 28: "BPF_LINK_CREATE",
}  # fmt: skip
DOMAIN = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 40: "AF_VSOCK", 44: "AF_XDP"}

FLAGS: Mapping[tuple[str, str], Mapping[int, str]] = {
    **{(call, "mode"): MODE for call in ("open", "openat", "creat", "chmod", "fchmod", "fchmodat", "fchmodat2")},
    **{(call, "mode"): MODE for call in ("mkdir", "mkdirat", "mknod", "mknodat")},
    **{(call, "flags"): AT for call in ("unlinkat", "linkat", "fchmodat2", "fchownat")},
    **{(call, "flags"): EXECUTED for call in ("execve", "execveat")},
    ("mount", "flags"): MOUNT,
    ("umount2", "flags"): UMOUNT,
    ("unshare", "flags"): NAMESPACES,
    ("setns", "nstype"): NAMESPACES,
    ("memfd_create", "flags"): MEMFD,
}
"""Bits, each of which has a name."""
VALUES: Mapping[tuple[str, str], Mapping[int, str]] = {
    ("ptrace", "request"): PTRACE,
    ("bpf", "cmd"): BPF,
    ("socket", "domain"): DOMAIN,
    ("fcntl", "cmd"): {0: "F_DUPFD", 1030: "F_DUPFD_CLOEXEC"},
}
"""Numbers that have a name as a whole."""
OPENS = frozenset({"open", "openat", "openat2"})


def text(event_type: str, name: str, value: str | int) -> str:
    """An argument as Falco would print it."""
    if isinstance(value, str):
        return value
    if name == "flags" and event_type in OPENS:
        return _open_flags(value)
    bits = FLAGS.get((event_type, name))
    if bits is not None:
        return _bits(value, bits)
    names = VALUES.get((event_type, name))
    return str(value) if names is None else names.get(value, str(value))


def _open_flags(value: int) -> str:
    access = OPEN_ACCESS[value & 3] if value & 3 < len(OPEN_ACCESS) else "O_NONE"
    # O_TMPFILE and O_SYNC hold O_DIRECTORY's and O_DSYNC's bits as well (asm-generic/fcntl.h).
    rest = _bits(value & ~3, OPEN) if value & ~3 else ""
    return f"{access}|{rest}" if rest else access


def _bits(value: int, names: Mapping[int, str]) -> str:
    """The names of the bits that are set, lowest first; what has no name is left as a number."""
    found = [name for bit, name in sorted(names.items()) if value & bit]
    unknown = value & ~sum(names)
    return "|".join([*found, *([hex(unknown)] if unknown else [])]) or "0"
