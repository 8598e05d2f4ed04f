"""The path of a cgroup by the number that the kernel tells with an event, also when no process is left in it.

In: the id of a cgroup in the unified hierarchy. Out: its path, None where it is gone or version 2 is not mounted.
Called by `enrich.containers`. The id is a file handle of cgroupfs (fs/kernfs/mount.c, kernfs_fh_to_dentry).
"""

import ctypes
import os
from pathlib import Path
from typing import Final

FILEID_KERNFS: Final = 0xFE  # include/linux/exportfs.h


class FileHandle(ctypes.Structure):
    """`struct file_handle` with the eight bytes that kernfs uses."""

    _fields_ = (("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("id", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


class CgroupIds:
    """Asks the mounted unified hierarchy."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.mount_point = unified(proc)

    def path(self, number: int | None) -> str | None:
        """The path of a cgroup from the hierarchy's top, `/` for the top itself."""
        if number is None or self.mount_point is None:
            return None
        try:
            mount = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        handle = FileHandle(8, FILEID_KERNFS, number)
        descriptor: int = _libc.open_by_handle_at(mount, ctypes.byref(handle), os.O_PATH | os.O_CLOEXEC)
        os.close(mount)
        if descriptor < 0:
            return None
        try:
            found = Path(f"/proc/self/fd/{descriptor}").readlink()
        finally:
            os.close(descriptor)
        return "/" + str(found).removeprefix(str(self.mount_point)).lstrip("/")


def unified(proc: Path = Path("/proc")) -> Path | None:
    """Where cgroup version 2 is mounted; None where it is not."""
    for line in (proc / "self" / "mountinfo").read_text(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split(" ")[4])
    return None
