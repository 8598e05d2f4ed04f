"""Events that wait: for what is not known yet of their container, or for the command that explains them.

In: Events as the kernel sent them, the time. Out: Events that may go on, in their order within each container. Called
by the pipeline. Nothing waits longer than a second, and no more than so many events; what waited in vain says so
(`k8s.pending`). Pure but for what it holds: what is known, the caller says.
"""

import enum
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from runtime_monitor.events import Event

PATIENCE: Final = 1_000_000_000
"""Nanoseconds that an event waits."""
MOST: Final = 5_000
"""Events that wait at once; further ones go on at once, as if they had waited in vain."""


class Counts(Struct):
    """What happened, for the metrics: each only rises, but `length`."""

    length: int = 0
    late: int = 0
    overflowed: int = 0
    dropped: int = 0


class Answer(enum.Enum):
    """What is to become of an event."""

    GO = enum.auto()
    WAIT = enum.auto()
    DROP = enum.auto()


FIRST_DELAY: Final = 10_000_000
LONGEST_DELAY: Final = 60_000_000_000
"""Nanoseconds between two looks for the same container: at first, and where it has long been in vain."""
MOST_ATTEMPTS: Final = 1024


class Attempt(Struct, frozen=True):
    """A look that was in vain: when the next one is due, and what was waited for it."""

    due: int
    delay: int


class Attempts:
    """When to look again for a container of which nothing is known: a look goes through all of /proc.

    Ever more seldom; and once that is more than an event's patience, its events do not wait any more. A runtime whose
    bundles lie elsewhere would else cost a core.
    """

    def __init__(self) -> None:
        self._failed: dict[int, Attempt] = {}

    def answer(self, root: int, now: int) -> Answer | None:
        """What becomes of an event without a look; None where a look is due."""
        attempt = self._failed.get(root)
        if attempt is None or attempt.due <= now:
            return None
        return Answer.GO if attempt.delay > PATIENCE else Answer.WAIT

    def failed(self, root: int, now: int) -> Answer:
        """A look was in vain: what becomes of the event."""
        before = self._failed.pop(root, None)
        delay = min(2 * before.delay, LONGEST_DELAY) if before else FIRST_DELAY
        while len(self._failed) >= MOST_ATTEMPTS:
            del self._failed[next(iter(self._failed))]
        self._failed[root] = Attempt(now + delay, delay)
        return Answer.GO if delay > PATIENCE else Answer.WAIT

    def succeeded(self, root: int) -> None:
        """It is known."""
        self._failed.pop(root, None)


class Held(Struct, frozen=True):
    """An event that waits, until a time in nanoseconds."""

    event: Event
    until: int


class Waiting:
    """Queues by container's root. `ask` says whether an event of a container may go on."""

    def __init__(self, ask: Callable[[Event], Answer]) -> None:
        self.counts = Counts()
        self._ask = ask
        self._queues: dict[int, deque[Held]] = {}

    def add(self, event: Event, now: int) -> Iterator[Event]:
        """One more event: gives it where it need not wait, or cannot."""
        root = event.fd.root
        if root is None:
            yield event
            return
        answer = Answer.WAIT if root in self._queues else self._ask(event)
        if answer is Answer.GO:
            yield event
        elif answer is Answer.DROP:
            self.counts.dropped += 1
        elif self.counts.length >= MOST:
            self.counts.overflowed += 1
            yield event
        else:
            self._queues.setdefault(root, deque()).append(Held(event, now + PATIENCE))
            self.counts.length += 1

    def due(self, now: int) -> Iterator[Event]:
        """What may go on by now, because it is ready or has waited long enough."""
        for root in list(self._queues):
            queue = self._queues[root]
            while queue:
                answer = self._ask(queue[0].event)
                if answer is Answer.WAIT and queue[0].until > now:
                    break
                held = queue.popleft()
                self.counts.length -= 1
                if answer is Answer.DROP:
                    self.counts.dropped += 1
                    continue
                self.counts.late += answer is Answer.WAIT
                yield held.event
            if not queue:
                del self._queues[root]
