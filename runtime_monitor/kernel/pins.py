"""What outlives the sensor: programs and maps pinned in bpffs, so that the next one adopts them and nothing is missed.

In: the folder (/sys/fs/bpf/podseal), objects and what they are loaded with. Out: `Store`. Called by `sensor`;
`podseal-monitor unload` and a sensor whose DaemonSet is deleted remove everything by `unload`.

    maps-<signature>/<map>                      shared by all programs of one wire format
    <object>-<digest>/{links,programs}/<name>   complete once it has this name; the digest is of all that shaped it
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runtime_monitor.kernel.libbpf import KernelError, check, library
from runtime_monitor.kernel.loader import Loaded

DIGEST_SIZE: Final = 16
"""Hexadecimal digits of a digest."""
_PARTIAL: Final = "partial"


def digest(*parts: bytes) -> str:
    """One name for all that shaped something."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()[:DIGEST_SIZE]


class Store:
    """The pins of one monitor; whoever holds the lock is the only monitor of this node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None

    def lock(self) -> None:
        """Make the folder and be its only user; raises `KernelError` where another monitor is."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(self._folder, os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise KernelError(
                f"another monitor watches this node (it holds {self._folder}): stop it first; of a DaemonSet, delete"
                " its pod"
            ) from error

    def close(self) -> None:
        """Let the next monitor in; the pins stay."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def maps(self, signature: str) -> Path:
        """The folder of the maps of this signature, made if need be."""
        folder = self._folder / f"maps-{signature}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def adopt(self, path: Path, key: str, maps: Path) -> Loaded | None:
        """What is pinned of an object with this digest, None where it is not, or not whole."""
        folder = self._object(path, key)
        if not folder.is_dir():
            return None
        loaded = Loaded(path=path, handle=None, maps=_opened(maps), programs=_opened(folder / "programs"))
        loaded.links = dict(_opened(folder / "links"))
        return loaded

    def keep(self, loaded: Loaded, key: str) -> None:
        """Pin an object that was loaded and attached, then remove what it replaces; raises `KernelError`."""
        folder = self._object(loaded.path, key)
        partial = folder.with_name(f"{_PARTIAL}-{folder.name}")
        _remove(partial)
        for name in ("links", "programs"):
            (partial / name).mkdir(parents=True)
        for name, program in loaded.programs.items():
            target = str(partial / "programs" / name).encode()
            check(f"pinning {name}", library().bpf_obj_pin(program, target))
        for name, link in loaded.links.items():
            check(f"pinning {name}", library().bpf_link__pin(link, str(partial / "links" / name).encode()))
        partial.rename(folder)
        for other in self._folder.glob(f"{_stem(loaded.path)}-*"):
            if other != folder:
                _remove(other)

    def keep_only(self, signature: str) -> None:
        """Remove the maps of other signatures, which no program uses any more."""
        for other in self._folder.glob("maps-*"):
            if other.name != f"maps-{signature}":
                _remove(other)

    def missing(self, keys: Mapping[Path, str]) -> list[str]:
        """Which of these objects are pinned no longer: somebody removed them, and they would end with this process."""
        return [path.name for path, key in keys.items() if not self._object(path, key).is_dir()]

    def remove(self) -> int:
        """Unpin everything; how many programs that were. The lock must be held."""
        count = sum(1 for _ in self._folder.glob("*/programs/*"))
        _remove(self._folder)
        return count

    def _object(self, path: Path, key: str) -> Path:
        return self._folder / f"{_stem(path)}-{key}"


def unload(folder: Path) -> int:
    """Remove everything that a monitor has pinned in a folder; how many programs that were, 0 where there are none.

    Raises:
        KernelError: a monitor runs. OSError: it cannot be removed.
    """
    if not folder.is_dir():
        return 0
    store = Store(folder)
    try:
        store.lock()
        return store.remove()
    finally:
        store.close()


def _stem(path: Path) -> str:
    """A name without a dot, which bpffs refuses."""
    return path.name.partition(".")[0]


def _opened(folder: Path) -> dict[str, int]:
    return {
        pin.name: check(f"opening {pin}", library().bpf_obj_get(str(pin).encode())) for pin in sorted(folder.iterdir())
    }


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
