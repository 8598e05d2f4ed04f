"""Plays the behaviours and says of each whether it was seen, and how soon.

In: a source of events (the sensor), behaviours, a patience in seconds. Out: one `Row` each, in order, as they come.
Called by `podseal-monitor selftest` and by the tests.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime_monitor.events import Event
from runtime_monitor.selftest import container, entry
from runtime_monitor.selftest.behaviour import Behaviour, Expected, nearest, says
from runtime_monitor.selftest.stage import HOME, Stage

_POLL = 0.2


class Source(Protocol):
    """Where events come from; the sensor, or a test's own."""

    def poll(self, timeout: float) -> list[Event]:
        """The events that have come, waiting at most `timeout` seconds for the first."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `seen` is None where the behaviour cannot be played here; `detail` says why, or what was missing.
    """

    behaviour: str
    tier: str
    seen: bool | None
    latency_ms: float | None
    detail: str = ""


@dataclass(frozen=True)
class Arrival:
    """An event and when it was delivered, in nanoseconds since the epoch."""

    event: Event
    at: int


class Listener:
    """Reads the source in a thread of its own, so that an event's arrival is timed while its cause still runs."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._arrivals: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while not self._stop.is_set():
                for event in self._source.poll(_POLL):
                    self._arrivals.put(Arrival(event, time.time_ns()))
        except BaseException as error:  # noqa: BLE001 -- it is raised where the events are awaited
            self._arrivals.put(error)

    def next(self, seconds: float) -> Arrival | None:
        """The next event, or None after `seconds`. Raises what the source raised."""
        try:
            arrival = self._arrivals.get(timeout=max(seconds, 0))
        except queue.Empty:
            return None
        if isinstance(arrival, BaseException):
            raise arrival
        return arrival

    def drain(self) -> None:
        """Forget what has come so far."""
        while self.next(0) is not None:
            pass

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()


@contextlib.contextmanager
def listening(source: Source) -> Iterator[Listener]:
    """A listener until the end of the context."""
    listener = Listener(source)
    try:
        yield listener
    finally:
        listener.close()


@dataclass(frozen=True)
class Terms:
    """The tier's name, for the table, and how many seconds to wait for an event."""

    tier: str
    patience: float = 5.0


def configuration(behaviours: Sequence[Behaviour]) -> container.Configuration:
    """The container of these behaviours: its image ships the files that they change."""
    image = {f"{HOME}/{name}": b"podseal\n" for each in behaviours for name in ("README", *each.image)}
    return container.Configuration(image=image)


def play(source: Source, behaviours: Sequence[Behaviour], terms: Terms) -> Iterator[Row]:
    """Start one container, play every behaviour in it, and yield its row.

    Raises `OSError` where no container can be made here.
    """
    with listening(source) as listener, container.running(configuration(behaviours)) as made:
        stage = Stage(made)
        for each in behaviours:
            listener.drain()
            yield _row(each, stage, listener, terms)


def _row(behaviour: Behaviour, stage: Stage, listener: Listener, terms: Terms) -> Row:
    try:
        known = behaviour.play(stage) or {}
    except entry.NotHereError as reason:
        return Row(behaviour.name, terms.tier, None, None, str(reason))
    except (entry.TriggerError, OSError) as error:
        return Row(behaviour.name, terms.tier, False, None, f"could not be played: {error}")
    wanted: list[Expected] = [{**expected, **known} for expected in behaviour.seen]
    arrivals, missing = _await(wanted, listener, terms.patience)
    if not missing:
        latency = max(arrival.at - arrival.event.evt.time for arrival in arrivals) / 1e6
        return Row(behaviour.name, terms.tier, True, round(latency, 2))
    return Row(behaviour.name, terms.tier, False, None, _explain(missing[0], [each.event for each in arrivals]))


def _await(wanted: list[Expected], listener: Listener, patience: float) -> tuple[list[Arrival], list[Expected]]:
    """Wait for every wanted event; those that fit and nothing, or all that came and what is missing."""
    deadline = time.monotonic() + patience
    came: list[Arrival] = []
    fitting: list[Arrival] = []
    while wanted:
        arrival = listener.next(deadline - time.monotonic())
        if arrival is None:
            return came, wanted
        came.append(arrival)
        rest = [expected for expected in wanted if not says(arrival.event, expected)]
        if len(rest) < len(wanted):
            fitting.append(arrival)
            wanted = rest
    return fitting, wanted


def _explain(expected: Expected, events: list[Event]) -> str:
    if not events:
        return "no event came"
    wrong = ", ".join(f"{name}={value!r}" for name, value in nearest(events, expected).items())
    return f"of {len(events)} events the nearest said {wrong}"
