"""System calls that Python 3.11 has no function for, by libc through ctypes.

In: numbers and paths. Out: nothing, a descriptor or a result; `OSError` with the call's name where the kernel refuses.
Called by the container, by the ways into it, and by the behaviours that must go round every library.
"""

import ctypes
import os
from typing import Final

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWCGROUP: Final = 0x0200_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWIPC: Final = 0x0800_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x4_0000
MS_SHARED: Final = 0x10_0000
MNT_DETACH: Final = 0x2
PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def _check(result: int, call: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`, see man 2 unshare; the pid namespace only for children."""
    _check(_LIBC.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter a namespace, or with a pidfd (Linux 5.8) all of a process's namespaces in `flags` at once."""
    _check(_LIBC.setns(ctypes.c_int(descriptor), ctypes.c_int(flags)), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` on `target`, see man 2 mount."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags))
    _check(_LIBC.mount(*arguments, options.encode() or None), f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Unmount, detached at once: whoever still uses the mount keeps it until the end."""
    _check(_LIBC.umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def die_with_parent(signal: int) -> None:
    """prctl(PR_SET_PDEATHSIG): get this signal when the parent's thread ends."""
    _check(_LIBC.prctl(ctypes.c_int(PR_SET_PDEATHSIG), ctypes.c_ulong(signal), 0, 0, 0), "prctl")


def set_name(name: str) -> None:
    """Take a name of at most 15 bytes, see prctl(2): what the kernel calls the process until it executes a program."""
    _check(_LIBC.prctl(ctypes.c_int(PR_SET_NAME), name.encode(), 0, 0, 0), "prctl")


def syscall(name: str, number: int, *arguments: int | bytes | None) -> int:
    """Any call by its number. Integers go as the machine's words, bytes as a pointer to them."""
    words = [each if isinstance(each, bytes) or each is None else ctypes.c_long(each) for each in arguments]
    return _check(_LIBC.syscall(ctypes.c_long(number), *words), name)
