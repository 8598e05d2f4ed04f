"""The pod annotation `podseal.dev/writable-paths`: which paths its author wants to be writable.

In: the annotation's text and the names of the pod's containers. Out: container -> paths, and notes on what is wrong.
Called by `mutation`. The author of the pod writes it, so it may only ask for emptyDirs, never loosen anything.

    annotation = [ entry *( ";" entry ) ]
    entry      = ( container / "*" ) "=" path *( "," path )

Blanks around the parts and an empty entry at the end are let pass. One malformed entry makes the whole annotation
void: half of what was asked for would start a program that fails later.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from msgspec import Struct

from webhook.policy import labels, paths

ANNOTATION = labels.PREFIX + "writable-paths"
EVERY = "*"
LONGEST = 8192
MOST_VOLUMES = 256
"""How many emptyDirs one annotation may ask for: `*` multiplies, and a pod may have thousands of containers."""

SHOWN = 40


class MalformedError(ValueError):
    """An annotation that cannot be followed; the message says why."""


class Request(Struct, frozen=True):
    """What the annotation asks for: container name -> normalised paths, `*` for every container."""

    paths: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def of(self, container: str) -> tuple[str, ...]:
        """The paths asked for in one container."""
        if not self.paths:
            return ()
        return self.paths.get(EVERY, ()) + self.paths.get(container, ())


NOTHING = Request()


def read(text: str | None, containers: Collection[str]) -> tuple[Request, list[str]]:
    """What the annotation asks for, and what its author should know.

    Args:
        text: the annotation's value; None where there is none.
        containers: the names of the init and main containers.

    Returns:
        The request, empty where the annotation is malformed, and one-line notes.
    """
    if not text:
        return NOTHING, []
    try:
        asked = _parse(text)
        _bound(asked, containers)
    except MalformedError as error:
        return NOTHING, [f"{ANNOTATION} is ignored: {error}"]
    known = {EVERY, *containers}
    notes = [f"{ANNOTATION}: the pod has no container {_shown(name)}" for name in asked if name not in known]
    return Request({name: tuple(each) for name, each in asked.items()}), notes


def _parse(text: str) -> dict[str, dict[str, None]]:
    """Container -> paths, each once, in the order of the text."""
    if len(text) > LONGEST:
        raise MalformedError(f"is longer than {LONGEST} characters")
    asked: dict[str, dict[str, None]] = {}
    entries = text.split(";")
    if not entries[-1].strip():
        entries.pop()
    for entry in entries:
        container, equals, listed = entry.partition("=")
        container = container.strip()
        if not equals or not container:
            raise MalformedError(f"entry {_shown(entry)} is not container=/path[,/path]")
        for each in listed.split(","):
            path = each.strip()
            reason = paths.problem(path)
            if reason:
                raise MalformedError(f"path {_shown(path)} {reason}")
            asked.setdefault(container, {})[paths.normalise(path)] = None
    return asked


def _bound(asked: Mapping[str, Collection[str]], containers: Collection[str]) -> None:
    count = sum(len(each) * (len(containers) if name == EVERY else 1) for name, each in asked.items())
    if count > MOST_VOLUMES:
        raise MalformedError(f"asks for {count} volumes, more than {MOST_VOLUMES}")


def _shown(text: str) -> str:
    """Text of unknown origin, quoted and cut, fit for one line."""
    return ascii(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")
