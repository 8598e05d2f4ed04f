"""Ancestors: from what was seen, from /proc, and never from another process with the same number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_monitor.enrich import processes
from runtime_monitor.events import Ancestor, Event, Process
from tests import waiting
from tests.runtime_monitor import made

FAR = 2**22


def started(pid: int, parent: int, *argv: str, start: int | None = None) -> Event:
    """The exec of a process that is none of this machine's."""
    proc = Process(
        pid=FAR + pid, start=start or pid, parent=FAR + parent, parent_start=parent, name=argv[0], exe=argv[0],
        arguments=argv[1:],
    )  # fmt: skip
    return made.event("execve", proc=proc)


def did(pid: int, parent: int, **more: object) -> Event:
    """Something else that a process does; the kernel tells its parent's name."""
    plain: dict[str, object] = {"pid": FAR + pid, "start": pid, "parent": FAR + parent, "parent_start": parent}
    return made.event("openat", proc=Process(**plain | more))  # type: ignore[arg-type]


def names(event: Event) -> list[str | None]:
    """The names of the ancestors, the parent first."""
    return [each.name for each in event.proc.ancestors or ()]


def test_what_was_executed_is_remembered() -> None:
    """A write tells the program that its process runs, and who started whom."""
    stage = processes.Processes()
    for event in (started(1, 0, "runc"), started(2, 1, "bash", "-l"), started(3, 2, "vi", "/etc/x")):
        stage(event)
    found = stage(did(3, 2))
    assert (found.proc.exe, found.proc.arguments) == ("vi", ("/etc/x",))
    assert names(found) == ["bash", "runc", None]


def test_a_number_that_came_up_again_is_another_process() -> None:
    """Its start tells."""
    stage = processes.Processes()
    stage(started(1, 0, "bash"))
    found = stage(did(2, 1, parent_start=processes.TICK * 100, parent_name="cron"))
    assert found.proc.ancestors == (Ancestor(pid=FAR + 1, start=processes.TICK * 100, name="cron"),)
    assert stage(did(1, 0, start=processes.TICK * 100)).proc.exe is None


def test_a_parent_that_is_gone_keeps_the_kernels_name() -> None:
    """Nothing else is known of it."""
    assert names(processes.Processes()(did(2, 1, parent_name="runc"))) == ["runc"]


def test_who_runs_is_asked_for_in_proc() -> None:
    """Of a child of this test: its own program, and this test above it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        # Popen returns as soon as the exec closes its pipe, which the kernel does before it has set up the arguments.
        waiting.until(Path(f"/proc/{child.pid}/cmdline").read_bytes, "the arguments")
        entry = processes.read(Path("/proc"), child.pid)
        assert entry is not None
        proc = Process(pid=child.pid, start=entry.ancestor.start, parent=os.getpid())
        found = processes.Processes()(made.event("openat", proc=proc))
        child.communicate(b"\n")
    assert found.proc.arguments == ("-c", "input()")
    parent = (found.proc.ancestors or ())[0]
    assert parent.pid == os.getpid()
    assert parent.exepath == str(Path(sys.executable).resolve())


def test_a_circle_ends() -> None:
    """Numbers that name each other as parents: no kernel says so, a lost event can make it look so."""
    stage = processes.Processes()
    stage(started(1, 2, "a", start=1))
    stage(started(2, 1, "b", start=2))
    assert len(stage(did(1, 2)).proc.ancestors or ()) == processes.MOST_ANCESTORS


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first."""
    monkeypatch.setattr(processes, "MOST_KNOWN", 5)
    stage = processes.Processes()
    for number in range(10):
        stage(started(number, 0, "x"))
    assert len(stage._known) == 5


def test_an_event_without_a_process_is_left_alone() -> None:
    """What the monitor says of itself."""
    event = made.event(proc=Process())
    assert processes.Processes()(event) is event
