"""Whether a path that a call was given leads to the container's root, or across a mount to somewhere else.

In: an Event whose path is an argument (`fd.path_source=argument`), and for roots a process that has each as its own.
Out: True, False, or None where it cannot be told any more. Called by `sensor`, which leaves out what lies elsewhere: a
file deleted on an emptyDir is no change of the root. Nothing is opened beyond the root's own file system: the kernel
resolves the path with RESOLVE_NO_XDEV (openat2(2)), so no hung network mount of a container can stop the monitor.
"""

import ctypes
import errno
import os
import posixpath
import struct
from pathlib import Path
from typing import Final

from runtime_monitor.events import Event

_OPENAT2: Final = 437
_HOW: Final = struct.Struct("QQQ")
_O_PATH: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_RESOLVE_NO_XDEV, _RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x01, 0x02, 0x10
_RESOLVE: Final = _RESOLVE_NO_XDEV | _RESOLVE_NO_MAGICLINKS | _RESOLVE_IN_ROOT
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Arguments:
    """Knows a process of each root, the first one that was seen there and still lives."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._inhabitants: dict[int, int] = {}

    def see(self, event: Event) -> None:
        """Remember that the process of an exec lives in the root that the event is about, unless one is known there."""
        device, pid = event.fd.root, event.proc.pid
        if device and pid and not self._lives_in(device, self._inhabitants.get(device)):
            self._inhabitants[device] = pid

    def _lives_in(self, device: int, pid: int | None) -> bool:
        try:
            return pid is not None and (self._proc / str(pid) / "root").stat().st_dev == device
        except OSError:
            return False

    def settle(self, device: int, pid: int) -> None:
        """Remember a container's own process, which outlives the others."""
        self._inhabitants[device] = pid

    def forget(self, device: int) -> None:
        """A root is no more."""
        self._inhabitants.pop(device, None)

    def lies_on_root(self, event: Event) -> bool | None:
        """Of the directory that holds the last name; None where process, directory or root are gone."""
        if event.fd.name is None or event.fd.root is None:
            return None
        for pid in (event.proc.pid, self._inhabitants.get(event.fd.root)):
            if pid is not None and (said := self._asked(pid, event.fd.root, event.fd.name)) is not None:
                return said
        return None

    def _asked(self, pid: int, device: int, name: str) -> bool | None:
        try:
            root = os.open(self._proc / str(pid) / "root", _O_PATH)
        except OSError:
            return None
        try:
            if os.fstat(root).st_dev != device:
                return None
            return _reaches(root, posixpath.dirname(name))
        finally:
            os.close(root)


def _reaches(root: int, folder: str) -> bool | None:
    """Whether a directory is on the same mount as the root; None where there is none."""
    how = _HOW.pack(_O_PATH, 0, _RESOLVE)
    found = _libc.syscall(_OPENAT2, root, folder.encode("utf-8", "surrogateescape"), how, _HOW.size)
    if found >= 0:
        os.close(found)
        return True
    return False if ctypes.get_errno() == errno.EXDEV else None
