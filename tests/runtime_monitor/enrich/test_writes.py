"""Writes that repeat an opening, and those that are the first word of a file."""

import pytest

from runtime_monitor.enrich import writes
from runtime_monitor.events import Drift, Event, File, Process
from tests.runtime_monitor import made

FILE = File(root=made.ROOT, device=made.ROOT, inode=9, name="/etc/x")


def did(kind: str, *, fd: File = FILE, pid: int = 100, drift: str = "write") -> Event:
    """A call of a process on the file."""
    return made.event(kind, fd=fd, proc=Process(pid=pid, start=5), drift=Drift(kind=drift))


@pytest.mark.parametrize(
    ("reason", "event", "repeated"),
    [
        ("a write to what was opened", did("write"), True),
        ("a mapping of it", did("mmap"), True),
        ("the same file opened again", did("openat"), None),
        ("another file", did("write", fd=File(root=1, device=1, inode=10)), None),
        ("another process, through an inherited descriptor", did("write", pid=101), None),
        ("another change of the file", did("fchmod"), None),
        ("a refused call", did("write", drift="attempt"), None),
        ("a file that the kernel did not name", did("write", fd=File(root=1)), None),
    ],
)
def test_a_write_after_an_opening(reason: str, event: Event, repeated: bool | None) -> None:  # noqa: FBT001 -- a table
    """By process, its start, and the file."""
    stage = writes.Writes()
    stage(did("openat"))
    assert stage(event).drift.repeated is repeated, reason


def test_a_write_without_an_opening() -> None:
    """The first word of the file."""
    assert writes.Writes()(did("write")).drift.repeated is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes: then a write is told once more."""
    monkeypatch.setattr(writes, "MOST", 2)
    stage = writes.Writes()
    for number in (9, 10, 11):
        stage(did("openat", fd=File(root=1, device=made.ROOT, inode=number)))
    assert stage(did("write")).drift.repeated is None
    assert len(stage._opened) == 2
