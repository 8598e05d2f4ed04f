"""The quiet that must be kept: which events break it."""

import pytest

from runtime_monitor import events
from runtime_monitor.selftest import quiet
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


@pytest.mark.parametrize(
    ("identity", "cgroup", "foreign"),
    [
        (None, None, False),
        ("host", "/", False),
        ("c0ffee", "/podseal-selftest/c0ffee", False),
        ("c0ffee", "/k8s.io/c0ffee", True),
    ],
    ids=["not-known", "of-the-host", "of-the-self-test", "of-another-container"],
)
def test_foreign(identity: str | None, cgroup: str | None, foreign: bool) -> None:  # noqa: FBT001 -- a column
    """What other containers of the node do meanwhile is their own."""
    event = events.Event(evt=events.Call(), container=events.Container(id=identity), proc=events.Process(cgroup=cgroup))
    assert quiet.foreign(event) is foreign


@pytest.mark.kernel
def test_what_is_said_is_told() -> None:
    """And silence is silence."""
    able.to_make_containers()
    assert quiet.keep(double.Double(), 0.2) == []
    source = double.Double()
    for event in (PLAIN, WRITE, SESSION):
        source.events.put(event)
    assert quiet.keep(source, 0.5) == [WRITE, SESSION]
