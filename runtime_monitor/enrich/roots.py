"""What /proc shows of a container by one of its processes: its root, namespaces, cgroup, and where the files lie.

In: a pid. Out: a `Root`, from which the sensor knows the container, and the ids in the cgroup path. Called by
`enrich.containers`. The process may end between two reads: then all of it is an `OSError`.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from runtime_monitor.enrich import cgroup, cgroup_ids, processes

MOST_BYTES = 1024 * 1024
"""Of a mountinfo: a container can have thousands of mounts, its root's line stands among the first."""


class Host(Struct, frozen=True):
    """What is the host's own and no container's; `root` is where its files are seen from here."""

    device: int
    mount_namespace: int
    pid_namespace: int
    root: Path = Path("/")


class Root(Struct, frozen=True):
    """A container's root. Devices are st_dev, namespaces and the cgroup the inode numbers of stat(2), 0 unknown.

    `first` is the pid of the container's own program, the first of its pid namespace. `trees` are (st_dev, st_ino) of
    directories of the host that hold its files: an overlay's upperdir.
    """

    device: int
    mount_namespace: int = 0
    pid_namespace: int = 0
    cgroup: int = 0
    first: int = 0
    trees: tuple[tuple[int, int], ...] = ()


class Proc:
    """/proc of the host."""

    def __init__(self, host: Host, folder: Path = Path("/proc")) -> None:
        self.folder = folder
        self.host = host
        self.cgroup_ids = cgroup_ids.CgroupIds(folder)
        self._epoch = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def pids(self) -> Iterator[int]:
        """Every process of now."""
        with os.scandir(self.folder) as entries:
            yield from (int(entry.name) for entry in entries if entry.name.isdecimal())

    def device(self, pid: int) -> int:
        """st_dev of a process's root; raises `OSError` where it is gone."""
        return os.stat(f"{self.folder}/{pid}/root").st_dev  # noqa: PTH116 -- asked of every process of the node

    def containers(self, pid: int) -> tuple[cgroup.Named, ...]:
        """The containers in a process's cgroup path; raises `OSError` where it is gone."""
        return cgroup.of_process((self.folder / str(pid) / "cgroup").read_text(errors="replace"))

    def root(self, pid: int) -> Root:
        """A process's root; raises `OSError` where it is gone. The host's namespaces are left out."""
        return Root(
            device=self.device(pid),
            mount_namespace=self._foreign(pid, "mnt", self.host.mount_namespace),
            pid_namespace=self._foreign(pid, "pid", self.host.pid_namespace),
            cgroup=self._cgroup(pid),
            first=pid if self._is_first(pid) else 0,
            trees=tuple(self._trees(pid)),
        )

    def started(self, pid: int) -> int | None:
        """When a process started, in nanoseconds since the epoch, to one clock tick; None where it is gone."""
        entry = processes.read(self.folder, pid) if pid else None
        return None if entry is None or entry.ancestor.start is None else self._epoch + entry.ancestor.start

    def _is_first(self, pid: int) -> bool:
        """By the last number of NSpid, which is the innermost (proc_pid_status(5))."""
        for line in (self.folder / str(pid) / "status").read_text(errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1] == "1"
        return False

    def _foreign(self, pid: int, name: str, of_host: int) -> int:
        number = (self.folder / str(pid) / "ns" / name).stat().st_ino
        return 0 if number == of_host else number

    def _cgroup(self, pid: int) -> int:
        mount_point = self.cgroup_ids.mount_point
        if mount_point is None:
            return 0
        for line in (self.folder / str(pid) / "cgroup").read_text(errors="replace").splitlines():
            if line.startswith("0::/"):
                path = line.removeprefix("0::/")
                # In the root group is everybody who has none.
                return self._inode(mount_point / path) if path else 0
        return 0

    def _trees(self, pid: int) -> Iterator[tuple[int, int]]:
        with (self.folder / str(pid) / "mountinfo").open("rb") as file:
            upper = upper_directory(file.read(MOST_BYTES))
        if upper:
            try:
                status = (self.host.root / upper.lstrip("/")).stat()
            except OSError:
                return
            yield status.st_dev, status.st_ino

    @staticmethod
    def _inode(path: Path) -> int:
        try:
            return path.stat().st_ino
        except OSError:
            return 0


def upper_directory(mountinfo: bytes) -> str | None:
    """The overlay's upperdir of the root mount, as the host names it (proc_pid_mountinfo(5)); None without one."""
    for line in mountinfo.split(b"\n"):
        before, dash, after = line.partition(b" - ")
        if not dash or before.split(b" ")[4:5] != [b"/"]:
            continue
        kind, _, rest = after.partition(b" ")
        if kind != b"overlay":
            return None
        options = rest.partition(b" ")[2]
        upper = next((each for each in options.split(b",") if each.startswith(b"upperdir=")), None)
        return os.fsdecode(_unescaped(upper.partition(b"=")[2])) if upper else None
    return None


def _unescaped(text: bytes) -> bytes:
    """Blank, tab, line end and backslash are written as octal numbers (mangle_path of fs/seq_file.c)."""
    for octal, byte in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        text = text.replace(octal, byte)
    return text
