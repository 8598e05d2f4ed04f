"""The Behaviour: one thing that must be seen, how it is played, and what the sensor must say of it.

In: a function of a behaviours module, decorated by `behaviour`. Out: a frozen record, found by `discover`. Called by
the run and by the tests. A new behaviour is one decorated function in a module of the folder `behaviours`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime_monitor.events import Event, record
from runtime_monitor.selftest import behaviours
from runtime_monitor.selftest.stage import Stage

Expected = Mapping[str, Any]
"""Falco's field name -> what it must be: a value, a set of allowed ones, or a function value -> bool."""

Play = Callable[[Stage], Mapping[str, Any] | None]
"""Acts; returns fields that are known only afterwards (a pid, an inode), demanded of every expected event."""


@dataclass(frozen=True)
class Behaviour:
    """`name` as `--only` takes it, `about` in one line, `seen`: for each of these an event must come.

    `image` names the files of HOME that the container's image must ship. One that is `crowded` makes hundreds of
    events, among which a person finds none.
    """

    name: str
    about: str
    play: Play
    seen: tuple[Expected, ...]
    image: tuple[str, ...] = ()
    crowded: bool = False


def behaviour(*seen: Expected, image: Sequence[str] = (), crowded: bool = False) -> Callable[[Play], Behaviour]:
    """Make a Behaviour of a function: its name with dashes, its docstring's first line, and what must be seen."""

    def make(play: Play) -> Behaviour:
        about = (play.__doc__ or "").strip().splitlines()[0]
        return Behaviour(play.__name__.strip("_").replace("_", "-"), about, play, seen, tuple(image), crowded)

    return make


def discover() -> list[Behaviour]:
    """Every behaviour of every module, in the order of the modules' names and then as they are written.

    Raises `ValueError` where two have the same name.
    """
    found: dict[str, Behaviour] = {}
    for module in sorted(pkgutil.iter_modules(behaviours.__path__), key=lambda each: each.name):
        for value in vars(importlib.import_module(f"{behaviours.__name__}.{module.name}")).values():
            if isinstance(value, Behaviour):
                if value.name in found:
                    raise ValueError(f"two behaviours are called {value.name}")
                found[value.name] = value
    return list(found.values())


def event_types(chosen: Iterable[Behaviour]) -> frozenset[str]:
    """The types that a sensor must be asked for, so that it tells what these behaviours are known by."""
    named = {expected.get("evt.type") for each in chosen for expected in each.seen}
    return frozenset(each for each in named if isinstance(each, str))


def says(event: Event, expected: Expected) -> bool:
    """Whether an event says all that is expected."""
    flat = record(event)
    return all(_fits(flat.get(name), wanted) for name, wanted in expected.items())


def nearest(events: list[Event], expected: Expected) -> dict[str, Any]:
    """Of the event that comes nearest, the fields that differ: name -> what was said. Empty without any event."""
    best: dict[str, Any] = {}
    fewest = len(expected) + 1
    for event in events:
        flat = record(event)
        wrong = {name: flat.get(name) for name, wanted in expected.items() if not _fits(flat.get(name), wanted)}
        if len(wrong) < fewest:
            fewest, best = len(wrong), wrong
    return best


def _fits(value: Any, wanted: Any) -> bool:  # noqa: ANN401 -- a field's value has one of several types
    if callable(wanted):
        return value is not None and bool(wanted(value))
    if isinstance(wanted, frozenset | set):
        return value in wanted
    return bool(value == wanted)
