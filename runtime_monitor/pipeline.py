"""The way of an event, on one screen: ring -> decode -> enrich -> judge -> spool.

In: a `Source` of Events (the sensor), the stages, a spool. Out: alerts, committed in groups; counts of every stage.
Called by `commands.run`, which makes the parts, and by the tests, which make others. Between the stages there are
frozen values; what waits, waits here: a container's events for its metadata, kubectl's `test -d` for its copy.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from runtime_monitor import waiting
from runtime_monitor.alerts import Alert
from runtime_monitor.enrich import (
    containers,
    pods,
    preparations,
    processes,
    scripts,
    services,
    sessions,
    shells,
    users,
    writes,
)
from runtime_monitor.enrich.roots import Root
from runtime_monitor.events import Event

TICK = 0.2
"""Seconds between two looks at what waits, where nothing happens."""
SOONER = 0.01
"""The same while something does wait."""


class Source(Protocol):
    """Where events come from, and who must know which roots are containers'."""

    def poll(self, timeout_seconds: float = 0) -> list[Event]:
        """What has happened, waiting so long for the first."""

    def watch(self, root: Root) -> None:
        """This root is a container's."""

    def forget(self, device: int) -> None:
        """This device is a container's root no longer."""

    def ignore(self, device: int) -> None:
        """This device is none, whatever the kernel took it for."""


class Spool(Protocol):
    """Where alerts are kept."""

    def append(self, new: Iterable[Alert]) -> bool:
        """Keep them; False where that has to wait."""


class Observer(Protocol):
    """Who looks on: the recording, the measure of latency."""

    def seen(self, event: Event) -> None:
        """An event, enriched."""

    def kept(self, alerts: Sequence[Alert]) -> None:
        """Alerts that are in the spool now."""


class Counts(Struct):
    """What the pipeline itself counts: each only rises."""

    events: int = 0
    alerts: int = 0


class Stages(Struct, frozen=True):
    """What knows containers, pods, processes, users, files, sessions; each takes an Event and gives an Event.

    `arrived` gives the containers that a runtime has just made (`enrich.arrivals`).
    """

    arrived: Callable[[], Iterable[tuple[str, int]]]
    containers: containers.Containers
    pods: pods.Pods
    processes: processes.Processes
    users: users.Users
    writes: writes.Writes
    sessions: sessions.Sessions
    services: services.Services


class Pipeline:
    """One node's events, in the thread that calls `step`."""

    def __init__(
        self,
        source: Source,
        stages: Stages,
        judge: Callable[[Event], Iterable[Alert]],
        spool: Spool,
        observer: Observer,
    ) -> None:
        self.counts = Counts()
        self.waiting = waiting.Waiting(self._ask)
        self._attempts = waiting.Attempts()
        self._preparations = preparations.Preparations()
        self._scripts = scripts.Scripts()
        self._source, self._stages, self._judge, self._spool = source, stages, judge, spool
        self._observer = observer

    def scan(self) -> None:
        """Tell the kernel of containers that it has not told us of: those that ran before, and started unseen."""
        for known in self._stages.containers.scan():
            self._source.watch(known.root)

    def step(self, timeout: float = TICK) -> None:
        """Wait for events, take all of them to the spool in one commit, and look after what waits."""
        happened = self._source.poll(SOONER if self.waiting.counts.length else timeout)
        self._forget_ended()
        for container_id, pid in self._stages.arrived():
            if known := self._stages.containers.arrived(container_id, pid):
                self._source.watch(known.root)
        now = time.time_ns()
        told: list[Alert] = []
        for event in self._explained(self._known(happened, now), now):
            self._observer.seen(event)
            told.extend(self._judge(event))
        self.counts.alerts += len(told)
        if self._spool.append(told):
            self._observer.kept(told)

    def _known(self, arrived: list[Event], now: int) -> Iterator[Event]:
        """Events whose container is known, or was waited for in vain."""
        self.counts.events += len(arrived)
        for event in arrived:
            yield from self.waiting.add(event, now)
        yield from self.waiting.due(now)

    def _explained(self, known: Iterator[Event], now: int) -> Iterator[Event]:
        for event in known:
            yield from self._preparations.add(self._enriched(event), now)
        yield from self._preparations.due(now)

    def _enriched(self, event: Event) -> Event:
        """Who and where; each line adds one part, the later ones read what the earlier ones wrote."""
        stages, inhabitant = self._stages, self._inhabitant(event)
        event = stages.containers(event)
        event = stages.pods(event)
        event = stages.services(event)
        event = stages.processes(event)
        event = stages.users(event, inhabitant)
        event = stages.writes(event)
        event = shells.mark(event, inhabitant)
        event = self._scripts(event)
        return stages.sessions(event)

    def _inhabitant(self, event: Event) -> int | None:
        """A process that lives in the event's container."""
        known = self._stages.containers.find(event)
        return None if known is None else known.pid

    def _ask(self, event: Event) -> waiting.Answer:
        """Whether an event can be enriched in full; looks where that may have become possible."""
        known, root, now = self._stages.containers.find(event), event.fd.root or 0, time.time_ns()
        if known is not None and self._has_all(known, event):
            return waiting.Answer.GO
        if answer := self._attempts.answer(root, now):
            return answer
        if known is None:
            try:
                known = self._stages.containers.learn(event)
            except containers.Foreign:
                self._source.ignore(root)
                return waiting.Answer.DROP
            if known is not None and known.pid:
                self._source.watch(known.root)
        if known is None or not self._has_all(known, event):
            return self._attempts.failed(root, now)
        self._attempts.succeeded(root)
        return waiting.Answer.GO

    def _has_all(self, known: containers.Known, event: Event) -> bool:
        """Whether the API server has said what it will say of an event."""
        return self._stages.pods.has(known.pod.uid) and self._stages.services.has(event)

    def _forget_ended(self) -> None:
        ended = self._stages.containers.ended()
        for known in ended:
            self._source.forget(known.root.device)
            self._scripts.forget(known.root.device)
            self._stages.users.forget(known.container.full_id or "")
        if ended:
            # A device number that has become free may be another container's already.
            self.scan()
