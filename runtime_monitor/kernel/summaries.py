"""Gives the summary of a process's further writes the path of its first one.

In: Events in order. Out: the same, summaries (`podseal.writes`) with the file that their first write named. Called by
`sensor`. A close leaves the kernel no path to tell; what it tells is process, descriptor and inode.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from runtime_monitor.events import Event, File

_WRITES: Final = ("write", "pwrite", "send", "splice", "copy")
REMEMBERED: Final = 16384
"""As many as the kernel's own map of writes."""


class Summaries:
    """The files of first writes, the oldest forgotten first."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[int | None, int | None, int | None], File] = OrderedDict()

    def complete(self, event: Event) -> Event:
        """Learn from a first write or a creation; fill in a summary. Other events pass as they are."""
        key = (event.proc.pid, event.fd.number, event.fd.inode)
        if event.fd.writes is None:
            if event.fd.name and (event.fd.created or event.evt.type.startswith(_WRITES)):
                self._files[key] = event.fd
                self._files.move_to_end(key)
                if len(self._files) > REMEMBERED:
                    self._files.popitem(last=False)
            return event
        first = self._files.get(key)
        if first is None:
            return event
        file = msgspec.structs.replace(first, bytes_written=event.fd.bytes_written, writes=event.fd.writes)
        return msgspec.structs.replace(event, fd=file)
