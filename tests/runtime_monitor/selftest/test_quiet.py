"""The quiet that must be kept: whose events count, and that those on which podseal's own rules fire break it."""

import typing

import pytest

from runtime_monitor import events
from runtime_monitor.selftest import quiet
from tests.kernel import able
from tests.runtime_monitor.selftest import double

PLAIN = events.Event(evt=events.Call(type="execve"))
WRITE = events.Event(
    evt=events.Call(type="openat", is_open_write=True),
    fd=events.File(name="/x", root=70),
    container=events.Container(id="c0ffee"),
    drift=events.Drift(kind="write"),
)
OWN = quiet.Own(ids={"c0ffee"}, pids={7}, lives=[quiet.Life(root=70, mount_namespace=700, begin=1000, end=2000)])


def _at(time: int = 1500, **parts: typing.Any) -> events.Event:  # noqa: ANN401 -- parts of an event, of several types
    return events.Event(evt=events.Call(time=time), **parts)


@pytest.mark.parametrize(
    ("event", "own"),
    [
        (_at(proc=events.Process(mount_namespace=700)), True),
        (_at(fd=events.File(root=70)), True),
        (_at(2001, fd=events.File(root=70)), False),
        (_at(999, fd=events.File(root=70)), False),
        (_at(proc=events.Process(pid=7)), True),
        (_at(proc=events.Process(pid=8, parent=7)), True),
        (_at(proc=events.Process(pid=8, parent=9, mount_namespace=800), fd=events.File(root=80)), False),
        (_at(container=events.Container(full_id="c0ffee"), fd=events.File(root=80)), True),
        (_at(container=events.Container(full_id="decaf"), fd=events.File(root=70)), False),
        (_at(), False),
    ],
    ids=[
        "in-its-container",
        "on-its-root",
        "on-its-root-after-its-end",
        "on-its-root-before-its-begin",
        "its-process",
        "its-child",
        "of-another-container",
        "by-its-id",
        "by-anothers-id",
        "not-known",
    ],
)
def test_what_is_its_own(event: events.Event, own: bool) -> None:  # noqa: FBT001 -- a column of the table
    """What other containers of the node do meanwhile is their own."""
    assert OWN.has(event) is own


@pytest.mark.kernel
def test_what_is_said_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And silence is silence."""
    able.to_make_containers()
    assert quiet.keep(double.Double(), 0.2) == []
    monkeypatch.setattr(quiet.Own, "has", lambda _self, _event: True)
    source = double.Double()
    for event in (PLAIN, WRITE):
        source.events.put(event)
    assert quiet.keep(source, 0.5) == [WRITE]
