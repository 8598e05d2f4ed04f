"""What an event must be so that a rule can fire on it, as far as the kernel can ask: the word between rules and kernel.

In: what `rules.pushdown` finds in a condition. Out: Clauses, which `kernel.open_filter` turns into the programs' tables
and `podseal-monitor rules pushdown` shows. A Clause is necessary, not sufficient: what cannot be said of an event in
the kernel is left out of it, so that one without any demand needs every event.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

Text = TypeVar("Text")
MOST_PATHS = 4096
"""Paths of one clause; beyond, it demands none: the sensor's maps are bounded."""


class Path(Struct, frozen=True, order=True):
    """A demand on a path.

    `kind`: `exact`, `prefix`, `suffix`, `name` (the last component), `glob` (as fnmatch(3) without flags: a star
    crosses slashes).
    """

    kind: str
    text: str

    def __str__(self) -> str:
        """As a pattern for people; a glob is one already."""
        return {"prefix": "{}*", "suffix": "*{}", "name": "*/{}"}.get(self.kind, "{}").format(self.text)


class Clause(Struct, frozen=True, omit_defaults=True):
    """Demands on an event; None and False demand nothing.

    `succeeded`: the call must have. `change`: it changes a container's root file system or tries to (`drift.kind`).
    `paths`: one of these must fit `fd.name`. `given`: one of these must stand in the path as the process gave it.
    """

    write: bool = False
    container: bool = False
    succeeded: bool = False
    change: bool = False
    paths: frozenset[Path] | None = None
    given: frozenset[str] | None = None

    def __str__(self) -> str:
        """For people: `write, container, path /etc/* or */authorized_keys, given with ../`."""
        demands = [name for name in FLAGS if getattr(self, name)]
        if self.paths is not None:
            demands.append("path " + " or ".join(map(str, sorted(self.paths))))
        if self.given is not None:
            demands.append("given with " + " or ".join(sorted(self.given)))
        return ", ".join(demands) or "every event"


FLAGS = ("write", "container", "succeeded", "change")
ANYTHING = Clause()


def every(parts: Sequence[Clause]) -> Clause:
    """What follows where all parts hold: the demands add up; of several sets of paths the best to ask for is kept."""
    paths = [part.paths for part in parts if part.paths is not None]
    given = [part.given for part in parts if part.given is not None]
    return Clause(
        **{name: any(getattr(part, name) for part in parts) for name in FLAGS},
        paths=min(paths, key=_looseness, default=None),
        given=min(given, key=len, default=None),
    )


def either(parts: Sequence[Clause]) -> Clause:
    """What follows where at least one part holds: only what all of them demand."""
    paths = _joined(part.paths for part in parts)
    return Clause(
        **{name: all(getattr(part, name) for part in parts) for name in FLAGS},
        paths=None if paths is None or len(paths) > MOST_PATHS else paths,
        given=_joined(part.given for part in parts),
    )


def _joined(sets: Iterable[frozenset[Text] | None]) -> frozenset[Text] | None:
    """What is in any; None, which is everything, where one is None."""
    found: frozenset[Text] = frozenset()
    for each in sets:
        if each is None:
            return None
        found |= each
    return found


def _looseness(paths: frozenset[Path]) -> tuple[bool, int]:
    """Paths from their beginning are asked name by name, and most fail at the first; the others come second."""
    return any(path.kind not in ("exact", "prefix", "glob") for path in paths), len(paths)
