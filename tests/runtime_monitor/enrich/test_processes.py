"""Ancestors: from what was seen, from /proc, and never from another process with the same number."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from runtime_monitor.enrich import processes
from runtime_monitor.events import Ancestor, Event, Process
from tests import waiting
from tests.runtime_monitor import made

FAR = 2**22


def started(
    pid: int, parent: int, *argv: str, start: int | None = None, above: tuple[Ancestor, ...] | None = None
) -> Event:
    """The exec of a process that is none of this machine's."""
    proc = Process(
        pid=FAR + pid, start=start or pid, parent=FAR + parent, parent_start=parent, name=argv[0], exe=argv[0],
        arguments=argv[1:], ancestors=above,
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


def told(*names: str, first: int) -> tuple[Ancestor, ...]:
    """Ancestors as the kernel tells them with an exec; their numbers count down."""
    return tuple(Ancestor(pid=FAR + first - at, start=first - at, name=name) for at, name in enumerate(names))


def test_what_the_kernel_told_of_ancestors_is_completed() -> None:
    """Of those that have ended unseen there is at least the name; of the others what they execute."""
    stage = processes.Processes()
    stage(started(7, 6, "nginx", "-g"))
    found = stage(started(9, 8, "sh", above=told("worker", "nginx", "shim", first=8)))
    assert names(found) == ["worker", "nginx", "shim"]
    assert [each.arguments for each in found.proc.ancestors or ()] == [None, ("-g",), None]
    assert names(stage(did(10, 9))) == ["sh", "worker", "nginx", "shim"]


def test_whose_parent_has_ended_has_another_one(tmp_path: Path) -> None:
    """The helper that a runtime has started it with is gone, and the shim has taken over."""
    stage = processes.Processes(tmp_path)
    stage(started(5, 4, "server", above=told("runc", "shim", first=4)))
    living(tmp_path, 5, "server", parent=3)
    living(tmp_path, 3, "shim", parent=0)
    assert names(stage(did(6, 5))) == ["server", "shim"]


def living(proc: Path, pid: int, name: str, parent: int) -> None:
    """A process in a /proc of the test's own."""
    folder = proc / str(FAR + pid)
    folder.mkdir()
    rest = ["0"] * 17
    (folder / "stat").write_text(f"{FAR + pid} ({name}) S {FAR + parent if parent else 0} {' '.join(rest)} 0")
    (folder / "cmdline").write_bytes(name.encode() + b"\0")


def test_a_fork_that_ended_has_run_what_its_parent_runs() -> None:
    """As long as it has the same name: it may have taken another one."""
    stage = processes.Processes()
    stage(started(1, 0, "sh", "-c", "(cat /etc/shadow)"))
    assert stage(did(2, 1, name="sh")).proc.arguments == ("-c", "(cat /etc/shadow)")
    assert stage(did(3, 1, name="worker")).proc.arguments is None


def test_the_leader_of_the_session_has_a_name() -> None:
    """Its own, or that of one above it."""
    stage = processes.Processes()
    leader = started(1, 0, "bash")
    led = msgspec.structs.replace(leader, proc=msgspec.structs.replace(leader.proc, vpid=7, session_leader_vpid=7))
    assert stage(led).proc.session_leader == "bash"
    assert stage(did(2, 1, vpid=8, session_leader_vpid=7)).proc.session_leader == "bash"
    assert stage(did(3, 1, vpid=9, session_leader_vpid=3)).proc.session_leader is None


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
