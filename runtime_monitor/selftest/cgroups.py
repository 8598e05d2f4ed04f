"""A cgroup for the throw-away container, named as runtimes name theirs: a folder with the container's id.

In: the id. Out: a `Cgroup`, which processes join and which is removed at the end. Called by the container.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PARENT = "podseal-selftest"


@dataclass(frozen=True)
class Cgroup:
    """One cgroup, as a folder of a mounted hierarchy."""

    folder: Path

    def join(self) -> None:
        """Move the calling process into it; its later children start there."""
        (self.folder / "cgroup.procs").write_text(f"{os.getpid()}\n")

    def processes(self) -> list[int]:
        """The pids in it, as this process's pid namespace numbers them."""
        try:
            return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]
        except FileNotFoundError:
            return []

    def remove(self) -> None:
        """Remove the folder, and the parent where no other self-test runs. Its processes must have ended."""
        for folder in (self.folder, self.folder.parent):
            try:
                folder.rmdir()
            except OSError:
                return


def make(container_id: str) -> Cgroup:
    """Make `podseal-selftest/<id>` in the unified hierarchy, else in the first writable one of version 1.

    Raises `OSError` where no cgroup file system is mounted.
    """
    for mount_point in _hierarchies():
        folder = mount_point / PARENT / container_id
        try:
            folder.mkdir(parents=True)
        except OSError:
            continue
        return Cgroup(folder)
    raise OSError("no writable cgroup hierarchy: mount one with `mount -t cgroup2 none /sys/fs/cgroup`")


def _hierarchies() -> list[Path]:
    """Mount points of cgroup file systems, version 2 first; cpuset is of no use before its lists are filled."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount_point, kind, options = line.split()[:4]
        if kind == "cgroup2" or (kind == "cgroup" and "cpuset" not in options.split(",")):
            found.append((kind != "cgroup2", Path(mount_point)))
    return [path for _, path in sorted(found)]
