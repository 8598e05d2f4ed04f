"""Containers as their runtime makes them, a moment before they run: for those that end before /proc can be asked.

In: the places of bundles. Out: (id, pid of the first process) pairs in a queue, each as soon as containerd has written
`init.pid`, which it does before the process executes anything of the image. Called by `node`, which drains it into
`enrich.containers`. A thread that waits for inotify(7); places that do not exist are looked for by the scans alone.
"""

import ctypes
import os
import queue
import select
import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from runtime_monitor.enrich.bundles import ID

IN_CREATE: Final = 0x100
IN_MOVED_TO: Final = 0x80
IN_ONLYDIR: Final = 0x01000000
HEADER: Final = struct.Struct("iIII")
"""`struct inotify_event`: watch, mask, cookie, length of the name that follows."""
FIRST_PID: Final = "init.pid"
MOST_WATCHED: Final = 1024
"""New bundles that are waited for at once."""
_libc = ctypes.CDLL(None, use_errno=True)


class Arrivals:
    """The new bundles of some places."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._arrived: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._descriptor: int = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._folders: dict[int, Path] = {}
        self._places = frozenset(places)
        for place in self._places:
            self._follow(place)
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run, name="bundles", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and give back what it holds."""
        os.close(self._end)
        self._thread.join()
        os.close(self._ended)
        os.close(self._descriptor)

    def take(self) -> Iterator[tuple[str, int]]:
        """Ids with the pid of their first process, that came since the last call."""
        while True:
            try:
                yield self._arrived.get_nowait()
            except queue.Empty:
                return

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._descriptor, self._ended], [], [])
            if self._ended in ready:
                return
            for watch, name in self._events():
                self._see(self._folders.get(watch), name)

    def _events(self) -> Iterator[tuple[int, str]]:
        data = os.read(self._descriptor, 65536)
        offset = 0
        while offset < len(data):
            watch, _, _, length = HEADER.unpack_from(data, offset)
            offset += HEADER.size
            yield watch, os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
            offset += length

    def _see(self, folder: Path | None, name: str) -> None:
        if folder is None:
            return
        if folder in self._places and ID.fullmatch(name):
            self._follow(folder / name)
            # It may have been written before the watch was there.
            self._first_pid(folder / name)
        elif name == FIRST_PID:
            self._first_pid(folder)

    def _first_pid(self, folder: Path) -> None:
        """Tell of a bundle's first process; containerd writes the file aside and renames it, so it is whole."""
        try:
            pid = int((folder / FIRST_PID).read_text())
        except (OSError, ValueError):
            return
        self._arrived.put((folder.name, pid))

    def _follow(self, folder: Path) -> None:
        # The kernel drops the watch of a folder that is gone; its number here goes with the next ones.
        for watch in [watch for watch, known in self._folders.items() if known not in self._places][:-MOST_WATCHED]:
            del self._folders[watch]
        flags = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR
        number: int = _libc.inotify_add_watch(self._descriptor, os.fsencode(folder), flags)
        if number >= 0:
            self._folders[number] = folder
