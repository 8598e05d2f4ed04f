"""The processes above one that did something: who started the shell that started the editor that wrote the file.

In: an Event of a process, with its parent's pid and start, and for an exec the ancestors as the kernel told them then.
Out: the Event with `proc.ancestors`, the parent first, and for events other than exec the program that the process
runs. Called by the pipeline. Known are the processes whose exec was seen, by pid and start so that a reused number is
another process; for the rest /proc is asked at once, while they live. One that ended unseen keeps the name that the
kernel gave; a fork of a process that has executed nothing since runs what its parent runs.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from runtime_monitor.events import Ancestor, Event, Process

STARTS: Final = "execve"
MOST_KNOWN: Final = 4096
MOST_ANCESTORS: Final = 16
LONGEST_LINE: Final = 4096
NANOSECONDS: Final = 1_000_000_000
TICK: Final = NANOSECONDS // os.sysconf("SC_CLK_TCK")
"""/proc tells a start in clock ticks since boot: compared with the kernel's nanoseconds within one of them."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A process as it was last seen to execute something; `above` as the kernel told it then, the parent first."""

    ancestor: Ancestor
    parent: int
    parent_start: int
    above: tuple[Ancestor, ...] = ()


class Processes:
    """What is known of processes, by their pid."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[int, Entry] = {}

    def __call__(self, event: Event) -> Event:
        """The event with the process's program and its ancestors."""
        proc = event.proc
        if proc.pid is None or proc.start is None:
            return event
        if event.evt.type == STARTS:
            # At its end it stays: a child may still ask for it. It goes with the oldest, or as its number comes again.
            self._remember(proc.pid, _entry(proc))
            above = self._completed(proc.ancestors) if proc.ancestors else self._ancestors(proc)
        else:
            above = self._ancestors(proc)
            proc = self._described(proc, above)
        leader = _session_leader(proc, above)
        return msgspec.structs.replace(
            event, proc=msgspec.structs.replace(proc, ancestors=above, session_leader=leader)
        )

    def _described(self, proc: Process, above: tuple[Ancestor, ...]) -> Process:
        """With the program of a process whose event is no exec."""
        if proc.exe is not None or proc.exepath is not None or proc.pid is None:
            return proc
        entry = self._of(proc.pid, proc.start)
        if entry is not None:
            known = entry.ancestor
        elif above and above[0].name == proc.name:
            known = above[0]
        else:
            return proc
        return msgspec.structs.replace(proc, exe=known.exe, exepath=known.exepath, arguments=known.arguments)

    def _ancestors(self, proc: Process) -> tuple[Ancestor, ...]:
        found: list[Ancestor] = []
        pid, start, name = proc.parent or 0, proc.parent_start, proc.parent_name
        while pid > 0 and len(found) < MOST_ANCESTORS:
            entry = self._of(pid, start)
            if entry is None:
                found.append(Ancestor(pid=pid, start=start, name=name))
                break
            entry = self._settled(entry)
            found.append(entry.ancestor)
            if entry.above:
                found += self._completed(entry.above)
                break
            pid, start, name = entry.parent, entry.parent_start or None, None
        return tuple(found[:MOST_ANCESTORS])

    def _completed(self, above: tuple[Ancestor, ...]) -> tuple[Ancestor, ...]:
        """What the kernel told of each, with what else is known of it."""
        entries = [self._of(each.pid or 0, each.start) for each in above]
        return tuple(each if entry is None else entry.ancestor for each, entry in zip(above, entries, strict=True))

    def _settled(self, entry: Entry) -> Entry:
        """With its parent as it is now: where that has ended, as a runtime's helper does, another one took over."""
        pid = entry.ancestor.pid or 0
        if not entry.parent or self._of(entry.parent, entry.parent_start or None) is not None:
            return entry
        now = read(self._proc, pid)
        if now is None or not _same(now.ancestor.start, entry.ancestor.start):
            return entry
        settled = Entry(entry.ancestor, now.parent, 0)
        self._remember(pid, settled)
        return settled

    def _of(self, pid: int, start: int | None) -> Entry | None:
        entry = self._known.get(pid)
        if entry is not None and _same(entry.ancestor.start, start):
            return entry
        entry = read(self._proc, pid)
        if entry is None or not _same(entry.ancestor.start, start):
            return None
        self._remember(pid, entry)
        return entry

    def _remember(self, pid: int, entry: Entry) -> None:
        self._known.pop(pid, None)
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[pid] = entry


def read(proc: Path, pid: int) -> Entry | None:
    """A living process by /proc; None where it is gone."""
    folder = f"{proc}/{pid}"
    try:
        with open(f"{folder}/stat", "rb") as file:  # noqa: PTH123 -- Path.open costs as much again, and this is hot
            stat = file.read(LONGEST_LINE)
        with open(f"{folder}/cmdline", "rb") as file:  # noqa: PTH123 -- as above
            words = file.read(LONGEST_LINE).rstrip(b"\0").split(b"\0")
    except OSError:
        return None
    # proc(5): the name stands in parentheses and may hold any byte; the parent is field 4, the start field 22.
    name, _, rest = stat.partition(b"(")[2].rpartition(b") ")
    fields = rest.split()
    try:
        exepath: str | None = os.readlink(f"{folder}/exe")  # noqa: PTH115 -- as above
    except OSError:
        exepath = None  # a kernel thread
    argv = tuple(map(os.fsdecode, words))
    ancestor = Ancestor(
        pid=pid,
        start=int(fields[19]) * TICK,
        name=os.fsdecode(name),
        exe=argv[0] or None,
        exepath=exepath,
        arguments=argv[1:],
    )
    return Entry(ancestor, int(fields[1]), 0)


def _entry(proc: Process) -> Entry:
    ancestor = Ancestor(
        pid=proc.pid,
        start=proc.start,
        name=proc.name,
        exe=proc.exe,
        exepath=proc.exepath,
        arguments=proc.arguments,
        vpid=proc.vpid,
    )
    return Entry(ancestor, proc.parent or 0, proc.parent_start or 0, proc.ancestors or ())


def _session_leader(proc: Process, above: tuple[Ancestor, ...]) -> str | None:
    """The name of the leader of its session: itself or one above it, by their numbers in the container."""
    leader = proc.session_leader_vpid
    if not leader or leader == proc.vpid:
        return proc.name if leader else None
    return next((each.name for each in above if each.vpid == leader), None)


def _same(one: int | None, other: int | None) -> bool:
    return one is None or other is None or abs(one - other) <= TICK
