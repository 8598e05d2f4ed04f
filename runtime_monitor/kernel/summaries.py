"""Gives the summary of a process's further writes the process, and the path of its first one.

In: Events in order. Out: the same, summaries (`podseal.writes`) with the file that their first write named, and with
process, user and session as the process's latest event told them. Called by `sensor`. What a close tells is process,
descriptor and inode: the rest would be told again for every file.
"""

from collections import OrderedDict
from typing import Final, TypeVar

import msgspec

from runtime_monitor.events import Event, File, Session

Key = TypeVar("Key")
Known = TypeVar("Known")
_WRITES: Final = ("write", "pwrite", "send", "splice", "copy")
REMEMBERED: Final = 16384
"""As many files as the kernel's own map of writes has entries."""
PROCESSES: Final = 4096
"""As many as the kernel's own map of writers has entries."""


class Summaries:
    """The files of first writes, and the latest event of each process that wrote; the oldest forgotten first."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[int | None, int | None, int | None], File] = OrderedDict()
        self._writers: OrderedDict[int | None, Event] = OrderedDict()

    def complete(self, event: Event) -> Event:
        """Learn from an event; fill in a summary. Other events pass as they are."""
        if event.fd.writes is None:
            self._learn(event)
            return event
        if (last := self._writers.get(event.proc.pid)) and last.proc.start == event.proc.start:
            proc = msgspec.structs.replace(last.proc, tid=event.proc.tid)
            event = msgspec.structs.replace(event, proc=proc, user=last.user, session=last.session)
        if first := self._files.get((event.proc.pid, event.fd.number, event.fd.inode)):
            file = msgspec.structs.replace(first, bytes_written=event.fd.bytes_written, writes=event.fd.writes)
            event = msgspec.structs.replace(event, fd=file)
        return event

    def _learn(self, event: Event) -> None:
        pid = event.proc.pid
        if event.fd.name and (event.fd.created or event.evt.type.startswith(_WRITES)):
            _remember(self._files, (pid, event.fd.number, event.fd.inode), event.fd, REMEMBERED)
            _remember(self._writers, pid, event, PROCESSES)
        elif pid in self._writers:
            self._writers[pid] = _after_exec(self._writers[pid], event) if event.evt.type == "execve" else event


def _after_exec(before: Event, event: Event) -> Event:
    """The process under its new name; the program, and how a session began, are told by the exec alone."""
    proc = msgspec.structs.replace(
        before.proc,
        start=event.proc.start,
        name=event.proc.name,
        cap_inheritable=event.proc.cap_inheritable,
        cap_permitted=event.proc.cap_permitted,
        cap_effective=event.proc.cap_effective,
    )
    session = Session(id=event.session.id, start=event.session.start)
    return msgspec.structs.replace(before, proc=proc, user=event.user, session=session)


def _remember(known: OrderedDict[Key, Known], key: Key, value: Known, most: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
