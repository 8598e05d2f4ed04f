"""Behaviours: how they are found, and how an event is held against what it must say."""

import errno

import pytest

from runtime_monitor import events
from runtime_monitor.selftest import behaviour, stage

EVENT = events.Event(
    evt=events.Call(type="openat", result="EROFS"),
    fd=events.File(name="/etc/x", device=7),
    drift=events.Drift(kind="attempt"),
)


@pytest.mark.parametrize(
    ("expected", "fits"),
    [
        ({"evt.type": "openat", "drift.kind": "attempt"}, True),
        ({"evt.type": "openat", "drift.kind": "write"}, False),
        ({"evt.type": frozenset({"open", "openat"})}, True),
        ({"evt.type": frozenset({"open", "creat"})}, False),
        ({"fd.name": lambda name: name.startswith("/etc/")}, True),
        ({"proc.name": bool}, False),
        ({"evt.res": errno.errorcode[errno.EROFS], "fd.dev": 7}, True),
        ({}, True),
    ],
    ids=["all-fit", "one-differs", "one-of", "none-of", "by-function", "unknown-fits-no-function", "names", "nothing"],
)
def test_says(expected: behaviour.Expected, fits: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Values, sets, functions; a field that is not known fits nothing."""
    assert behaviour.says(EVENT, expected) is fits


def test_nearest_names_what_differs() -> None:
    """Of the event that differs least."""
    other = events.Event(evt=events.Call(type="mkdir"))
    expected = {"evt.type": "openat", "fd.name": "/etc/y", "drift.kind": "attempt"}
    assert behaviour.nearest([other, EVENT], expected) == {"fd.name": "/etc/x"}
    assert behaviour.nearest([], expected) == {}


def test_every_behaviour_says_what_it_is() -> None:
    """One line, and at least one event that must be seen."""
    for each in behaviour.discover():
        assert each.about.endswith((".", "?")), each.name
        assert each.seen, each.name
        assert "_" not in each.name


def test_a_decorated_function_is_a_behaviour() -> None:
    """Its name with dashes, its docstring's first line."""

    @behaviour.behaviour({"evt.type": "mkdir"}, image=("file",))
    def makes_a_directory(here: stage.Stage) -> None:
        """Make one.

        And more text.
        """

    assert (makes_a_directory.name, makes_a_directory.about) == ("makes-a-directory", "Make one.")
    assert makes_a_directory.image == ("file",)


def test_a_sensor_is_asked_for_what_the_behaviours_are_known_by() -> None:
    """Types that are named; what is found by other fields is told anyway."""

    def some(_: object) -> None:
        """Do nothing."""

    made = behaviour.behaviour({"evt.type": "connect"}, {"fd.name": "/x"}, {"evt.type": "listen"})(some)
    assert behaviour.event_types([made]) == {"connect", "listen"}
