"""Tells the first write to a file that was opened for writing a moment before from one that was not.

In: Events of writes. Out: the Event, marked `drift.repeated` where the same process has opened this file for writing
and that was told already. Called by the pipeline. A write through a descriptor that was inherited, or came through a
socket, has no such opening: it is the first word of that file, and stays unmarked.
"""

from typing import Final

import msgspec

from runtime_monitor.events import Event

OPENS: Final = frozenset({"open", "openat", "openat2", "creat", "open_by_handle_at"})
CONTENTS: Final = frozenset(
    {"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "sendfile64", "splice", "copy_file_range",
     "ftruncate", "ftruncate64", "fallocate", "mmap"}
)  # fmt: skip
MOST: Final = 8192


class Writes:
    """The files that processes have opened for writing lately."""

    def __init__(self) -> None:
        self._opened: dict[tuple[int | None, ...], None] = {}

    def __call__(self, event: Event) -> Event:
        """The event, marked where it repeats an opening."""
        if event.drift.kind != "write" or event.fd.inode is None:
            return event
        key = (event.proc.pid, event.proc.start, event.fd.device, event.fd.inode)
        if event.evt.type in OPENS:
            self._opened.pop(key, None)
            while len(self._opened) >= MOST:
                del self._opened[next(iter(self._opened))]
            self._opened[key] = None
        elif event.evt.type in CONTENTS and key in self._opened:
            return msgspec.structs.replace(event, drift=msgspec.structs.replace(event.drift, repeated=True))
        return event
