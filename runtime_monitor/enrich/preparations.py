"""Makes one copy of what `kubectl cp` does in two: `test -d DEST` is held until the copy follows, or for five seconds.

In: Events with their session. Out: Events in order; a preparation that was followed by a copy carries its direction,
so that the copy alone is told. Called by the pipeline, after `enrich.sessions`.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from runtime_monitor.enrich import copies
from runtime_monitor.events import Event

PATIENCE: Final = 5_000_000_000
"""Nanoseconds in which kubectl's second request comes, two seconds on a busy machine; after that both are told."""
MOST: Final = 256


class Held(Struct, frozen=True):
    """A preparation, and until when the copy may follow it."""

    event: Event
    until: int


class Preparations:
    """The last preparation in each container, by the container's root."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}

    def add(self, event: Event, now: int) -> Iterator[Event]:
        """One more event: gives it, what it explains before it, or nothing where it is to be explained itself."""
        if not event.session.entry or event.evt.type != "execve":
            yield event
            return
        root = event.fd.root or 0
        before = self._held.pop(root, None)
        if before is not None:
            yield _explained(before.event) if event.drift.copy_direction == copies.IN else before.event
        if _is_preparation(event) and len(self._held) < MOST:
            self._held[root] = Held(event, now + PATIENCE)
        else:
            yield event

    def due(self, now: int) -> Iterator[Event]:
        """What waited in vain."""
        for root in [root for root, held in self._held.items() if held.until <= now]:
            yield self._held.pop(root).event


def _is_preparation(event: Event) -> bool:
    proc, session = event.proc, event.session
    argv = (proc.exe or "", *(proc.arguments or ()))
    return not session.tty and event.drift.kind is None and copies.is_preparation(argv)


def _explained(event: Event) -> Event:
    return msgspec.structs.replace(event, drift=msgspec.structs.replace(event.drift, copy_direction=copies.IN))
