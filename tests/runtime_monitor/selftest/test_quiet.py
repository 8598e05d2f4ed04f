"""The quiet that must be kept: which events break it."""

import typing

import pytest

from runtime_monitor import events
from runtime_monitor.selftest import container, quiet
from tests.kernel import able
from tests.runtime_monitor.selftest import double

PLAIN = events.Event(evt=events.Call(type="execve"))
WRITE = events.Event(evt=events.Call(type="openat"), drift=events.Drift(kind="write"))
SESSION = events.Event(evt=events.Call(type="execve"), session=events.Session(id="s"))


@pytest.mark.parametrize(
    ("event", "speaks"), [(PLAIN, False), (WRITE, True), (SESSION, True)], ids=["plain", "write", "session"]
)
def test_speaks(event: events.Event, speaks: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A verdict speaks; an event alone does not."""
    assert quiet.speaks(event) is speaks


OWN = quiet.Own(pids={7}, roots={70}, mount_namespaces={700})


@pytest.mark.parametrize(
    ("event", "own"),
    [
        ({"proc": events.Process(mount_namespace=700)}, True),
        ({"fd": events.File(root=70)}, True),
        ({"proc": events.Process(pid=7)}, True),
        ({"proc": events.Process(pid=8, parent=7)}, True),
        ({"proc": events.Process(pid=8, parent=9, mount_namespace=800), "fd": events.File(root=80)}, False),
        ({}, False),
    ],
    ids=["in-its-container", "on-its-root", "its-process", "its-child", "of-another-container", "not-known"],
)
def test_what_is_its_own(event: dict[str, typing.Any], own: bool) -> None:  # noqa: FBT001 -- a column of the table
    """What other containers of the node do meanwhile is their own."""
    assert OWN.has(events.Event(evt=events.Call(), **event)) is own


@pytest.mark.kernel
def test_what_is_said_about_its_own_is_told() -> None:
    """And silence is silence."""
    able.to_make_containers()
    assert quiet.keep(double.Double(), 0.2) == []
    source = Talking()
    source.events.put(WRITE)
    assert quiet.keep(source, 0.5) == source.verdicts


class Talking(double.Double):
    """Says of every container that it is told of that somebody wrote on its root."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: list[events.Event] = []

    def adopt(self, made: container.Container) -> None:
        """Remember it, and say so."""
        super().adopt(made)
        root = events.File(root=made.device)
        self.verdicts.append(events.Event(evt=WRITE.evt, fd=root, drift=WRITE.drift))
        self.events.put(events.Event(evt=PLAIN.evt, fd=root))
        self.events.put(self.verdicts[-1])
