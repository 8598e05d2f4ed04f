"""Opens files inside a container's root as the container would, without ever leaving it.

In: a directory descriptor of the root and a path. Out: the file's first bytes, or what it is. Called by `enrich.users`,
`enrich.shells` and, for the runtimes' own files, `enrich.bundles`. Everything below the root is the container's to
choose: symbolic links are resolved inside the root by the kernel (openat2 with RESOLVE_IN_ROOT, openat2(2)), links of
/proc are refused, a FIFO is not waited for.
"""

import ctypes
import os
import stat
from typing import Final

OPENAT2: Final = 437  # the same number on every architecture: it came after the tables were unified (Linux 5.6)
RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_IN_ROOT: Final = 0x10


class OpenHow(ctypes.Structure):
    """`struct open_how` of linux/openat2.h."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


def open_root(pid: int) -> int | None:
    """A descriptor of a process's root directory, None where the process is gone."""
    try:
        return os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None


def open_in(root: int, path: str, flags: int = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) -> int:
    """A descriptor of a path below `root`.

    Raises:
        OSError: there is none, or the way to it leaves the root by a link of /proc.
    """
    how = OpenHow(flags | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    descriptor: int = _libc.syscall(OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    if descriptor < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return descriptor


def read(root: int, path: str, most: int) -> bytes | None:
    """The first `most` bytes of a regular file; None for anything else."""
    try:
        # Asked what it is before it is opened: to open a device has effects of its own.
        probe = open_in(root, path, os.O_PATH)
        try:
            if not stat.S_ISREG(os.fstat(probe).st_mode):
                return None
        finally:
            os.close(probe)
        descriptor = open_in(root, path)
    except (OSError, ValueError):
        return None
    return read_regular(descriptor, most)


def read_regular(descriptor: int, most: int) -> bytes | None:
    """The first `most` bytes behind a descriptor, which is closed; None where it is no regular file."""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def identity(root: int, path: str) -> os.stat_result | None:
    """What a path leads to, every link followed inside the root; None where it leads nowhere."""
    try:
        descriptor = open_in(root, path, os.O_PATH)
    except (OSError, ValueError):
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)
