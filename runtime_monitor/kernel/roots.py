"""Containers as the kernel's filter knows them: by the device number of their root's superblock.

In: `Root`, from whoever knows containers (`enrich`, `selftest`), and /proc for those that run already. Out: entries of
the maps `roots`, `namespaces`, `cgroups` and `trees` (bpf/lib/maps.bpf.h). Called by `sensor`.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime_monitor.kernel.decode import device_number, kernel_device
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.machine import Host
from runtime_monitor.kernel.maps import Map

_ROOT: Final = struct.Struct("IIQII")
MAPS: Final = {"roots": (4, _ROOT.size), "namespaces": (4, 4), "cgroups": (8, 4), "trees": (16, 4)}
"""The maps that a `Roots` is made of: name -> sizes of key and value."""
_TREE: Final = struct.Struct("QII")
_DEVICE: Final = struct.Struct("I")
UNIFIED: Final = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
"""Where the unified hierarchy is mounted: alone, or beside the old ones (systemd's hybrid)."""
_PROVISIONAL, _WATCHED, _IGNORED = 1, 2, 3


@dataclass(frozen=True)
class Root:
    """A container's root. Device numbers are st_dev's, namespaces and the cgroup their inode numbers (st_ino).

    `first` is the pid of the container's own program, with whose end the kernel forgets the root by itself; 0: unknown.
    `trees` are (st_dev, st_ino) of directories of the host that hold its files: an overlay's upperdir, or the root
    directory itself where it has no superblock of its own, and volumes that are to be watched.
    """

    device: int
    mount_namespace: int = 0
    pid_namespace: int = 0
    cgroup: int = 0
    first: int = 0
    trees: tuple[tuple[int, int], ...] = ()


def root_of_process(pid: int, host: Host, proc: Path = Path("/proc")) -> Root:
    """The root that a process sees, without the host's namespaces; `OSError` where it is gone or the kernel's."""
    process = proc / str(pid)

    (process / "exe").readlink()
    mount_namespace, pid_namespace = ((process / "ns" / name).stat().st_ino for name in ("mnt", "pid"))
    return Root(
        device=(process / "root").stat().st_dev,
        mount_namespace=0 if mount_namespace == host.mount_namespace else mount_namespace,
        pid_namespace=0 if pid_namespace == host.pid_namespace else pid_namespace,
        cgroup=_cgroup_of((process / "cgroup").read_text()),
        first=pid,
    )


def _cgroup_of(listing: str) -> int:
    """The inode number of the cgroup in the unified hierarchy, 0 where a process has none of its own there."""
    for line in listing.splitlines():
        if line.startswith("0::") and line != "0::/":
            for mounted in UNIFIED:
                try:
                    return Path(mounted + line.removeprefix("0::")).stat().st_ino
                except OSError:
                    continue
    return 0


class Roots:
    """The filter's maps."""

    def __init__(self, maps: Mapping[str, Map], host: Host) -> None:
        self._maps = maps
        self._host = host
        self._watched: set[bytes] = set()

    def watch(self, root: Root) -> None:
        """Add or confirm a root; raises `KernelError` where a map is full or the root is the host's own."""
        if root.device == self._host.root_device:
            raise KernelError("the host's own root cannot be watched as a container's; give its directory as a tree")
        self._put(root, _WATCHED)
        self._watched.add(_DEVICE.pack(kernel_device(root.device)))

    def ignore(self, device: int) -> None:
        """Never take this device for a container's root: a service of the host with a root of its own."""
        self._maps["roots"].put(_DEVICE.pack(kernel_device(device)), _ROOT.pack(_IGNORED, 0, 0, 0, 0))

    def unwatch(self, device: int) -> None:
        """Forget a root with everything that led to it."""
        key = _DEVICE.pack(kernel_device(device))
        self._maps["roots"].discard(key)
        self._watched.discard(key)
        for name in ("namespaces", "cgroups", "trees"):
            for entry, value in list(self._maps[name].items()):
                if value == key:
                    self._maps[name].discard(entry)

    def find_running(self, proc: Path = Path("/proc")) -> None:
        """Enter the roots of containers that run already, provisionally as the kernel itself would."""
        known = {each for each, _ in self._maps["roots"].items()}
        for pid in sorted(int(process.name) for process in proc.iterdir() if process.name.isdigit()):
            try:
                root = root_of_process(pid, self._host, proc)
            except OSError:
                continue  # gone, or a thread of the kernel, which executes nothing
            key = _DEVICE.pack(kernel_device(root.device))
            if root.device != self._host.root_device and root.mount_namespace and key not in known:
                known.add(key)
                self._put(root, _PROVISIONAL)

    def provisional(self) -> list[int]:
        """Device numbers of roots that the kernel found and nobody has confirmed."""
        return [
            device_number(_DEVICE.unpack(key)[0])
            for key, value in self._maps["roots"].items()
            if _ROOT.unpack(value)[0] == _PROVISIONAL
        ]

    def count(self) -> int:
        """How many roots are watched."""
        return sum(_ROOT.unpack(value)[0] != _IGNORED for _, value in self._maps["roots"].items())

    def forget(self, device: int) -> None:
        """The kernel has told of a container's end, with which it has removed the root by itself."""
        self._watched.discard(_DEVICE.pack(kernel_device(device)))

    def tampered(self) -> list[str]:
        """Roots that were told of and that somebody else has removed or switched off since."""
        said = []
        for key in self._watched:
            value = self._maps["roots"].get(key)
            if value is None or _ROOT.unpack(value)[0] != _WATCHED:
                said.append(f"the root on device {_DEVICE.unpack(key)[0]} is watched no longer")
        return said

    def _put(self, root: Root, state: int) -> None:
        key = _DEVICE.pack(kernel_device(root.device))
        for number in (root.mount_namespace, root.pid_namespace):
            if number:
                self._maps["namespaces"].put(struct.pack("I", number), key)
        if root.cgroup:
            self._maps["cgroups"].put(struct.pack("Q", root.cgroup), key)
        for device, inode in root.trees:
            for number in (inode, 0):
                self._maps["trees"].put(_TREE.pack(number, kernel_device(device), 0), key)
        known = self._maps["roots"].get(key)
        first = root.first or (_ROOT.unpack(known)[3] if known else 0)
        self._maps["roots"].put(key, _ROOT.pack(state, root.mount_namespace, root.cgroup, first, 0))
