"""One output's way through the spool: read, filter, limit, send until it is taken, remember how far it came.

In: an output's settings, the spool, the position kept by `cursors`. Out: alerts at the receiver, at least once and in
order. A thread for each output, so that one that is dead delays no other. Called by `process`.
"""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output
from runtime_monitor.feed.cursors import Cursor, Cursors
from runtime_monitor.feed.limits import Limits
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.reader import Entry, Reader
from runtime_monitor.spool.schema import SpoolError

READ: Final = 200
IDLE_SECONDS: Final = 1.0
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
log = logging.getLogger("podseal.feed")


@dataclass(frozen=True)
class Context:
    """What the deliveries share. `jitter` makes their pauses differ."""

    spool: Path
    cursors: Cursors
    watch: Watch
    metrics: Metrics
    jitter: random.Random = field(default_factory=random.Random)


class _Stopped(Exception):  # noqa: N818 -- no error: the feed ends while an alert is on its way
    pass


class Delivery:
    """Delivers to one output until it is stopped."""

    def __init__(self, settings: output.Settings, context: Context) -> None:
        self.output = settings.open()
        self._settings = settings
        self._context = context
        self._reader = Reader(context.spool)
        self._limits = Limits(settings.limit, settings.deduplicate)
        self._position: Cursor | None = None
        self._newest_at_start = self._last() if settings.start == "newest" else 0
        self._newest: Alert | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"output {settings.name}", daemon=True)

    @property
    def name(self) -> str:
        """The output's name."""
        return self._settings.name

    @property
    def settings(self) -> output.Settings:
        """As it was made."""
        return self._settings

    @property
    def position(self) -> int:
        """The number of the last alert that is done with; 0 before the first."""
        return self._position.seq if self._position else 0

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self, seconds: float | None) -> None:
        """End; what the receiver does not take within so many seconds is delivered at the next start.

        None: return when it has ended, which is when what is being sent is taken, or given up.
        """
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                self._step()
                told = ""
            except _Stopped:
                break
            except (SpoolError, sqlite3.Error) as error:
                # The watch tells of the spool; what is left is the feed's own disk.
                if str(error) != told and not isinstance(error, SpoolError):
                    log.warning("output %s: cannot keep its position: %s", self.name, error)
                told = str(error)
                self._stop.wait(IDLE_SECONDS)
            except Exception:
                log.exception("output %s: a fault of ours; it goes on with the same alerts", self.name)
                self._position = None
                self._stop.wait(IDLE_SECONDS)
        self.output.close()
        self._reader.close()

    def _step(self) -> None:
        """Deliver what is there, or wait for more."""
        position = self._located()
        last = self._reader.last()
        entries = self._reader.after(position.seq, READ)
        self._count_missed(position, entries[-1].seq if entries else last, len(entries))
        if not entries:
            if last > position.seq:
                self._save(position.spool, last)
                return
            self._sum_up(position)
            self._context.watch.wait(position.seq, IDLE_SECONDS)
            return
        wanted: list[Alert] = []
        for entry in entries:
            if self._stop.is_set():
                raise _Stopped
            if self._is_wanted(entry):
                assert self._newest  # noqa: S101 -- _is_wanted has set it
                wanted.append(self._newest)
            if len(wanted) >= self.output.batch:
                self._deliver(wanted)
                self._save(position.spool, entry.seq)
                wanted = []
        if wanted:
            self._deliver(wanted)
        self._save(position.spool, entries[-1].seq)
        self._context.metrics.behind.labels(self.name).set(self._reader.written(entries[-1].seq, self._reader.last()))

    def _located(self) -> Cursor:
        """Where this output stands in the spool of now."""
        identity = self._reader.identity()
        position = self._position or self._context.cursors.get(self.name)
        if position is None:
            position = Cursor(identity, self._newest_at_start, {})
            self._context.cursors.save(self.name, position)
        elif position.spool != identity:
            log.warning("output %s: the spool is another one than before; it begins at its oldest alert", self.name)
            position = Cursor(identity, 0, position.held)
        if self._position is None:
            self._limits.held = dict(position.held)
        self._position = position
        return position

    def _last(self) -> int:
        try:
            return self._reader.last()
        except SpoolError:
            return 0  # there is none yet: everything in it will be new
        finally:
            self._reader.close()  # it belongs to the thread that asks next

    def _count_missed(self, position: Cursor, upto: int, found: int) -> None:
        missed = self._reader.written(position.seq, upto) - found
        if missed > 0 and position.seq:
            self._context.metrics.missed.labels(self.name).inc(missed)
            log.warning("output %s: %d alerts gave way in the full spool before they were delivered", self.name, missed)

    def _is_wanted(self, entry: Entry) -> bool:
        metrics = self._context.metrics
        try:
            alert = self._newest = entry.alert()
        except ValueError:  # msgspec.DecodeError is one
            metrics.unreadable.labels(self.name).inc()
            log.exception("output %s: row %d of the spool holds no alert", self.name, entry.seq)
            return False
        if not self._settings.filter.passes(alert):
            metrics.filtered.labels(self.name).inc()
            return False
        before = self._limits.held_back.copy()
        if self._limits.passes(alert, time.monotonic()):
            return True
        for reason in self._limits.held_back - before:
            metrics.held_back.labels(self.name, reason).inc()
        return False

    def _sum_up(self, position: Cursor) -> None:
        summary = self._limits.summary(self._newest, time.monotonic())
        if summary is not None:
            self._deliver([summary])
            self._limits.confirm()
            self._save(position.spool, position.seq)

    def _deliver(self, alerts: Sequence[Alert]) -> None:
        """Send until everything is taken or refused for good."""
        metrics = self._context.metrics
        try:
            self._send(alerts)
        except output.RejectedError as error:
            if len(alerts) > 1:
                # One of them is at fault: alone it will show which.
                for alert in alerts:
                    self._deliver([alert])
                return
            metrics.rejected.labels(self.name).inc()
            log.warning("output %s: alert %s is refused for good: %s", self.name, ascii(alerts[0].id), error)
            return
        metrics.delivered.labels(self.name).inc(len(alerts))
        metrics.last_success.labels(self.name).set_to_current_time()

    def _send(self, alerts: Sequence[Alert]) -> None:
        attempt = 0
        while True:
            if self._stop.is_set() and attempt:
                raise _Stopped
            try:
                self.output.send(alerts)
            except output.UnavailableError as error:
                self._context.metrics.failures.labels(self.name).inc()
                pause = error.after if error.after is not None else self._pause(attempt)
                if attempt == 0:
                    log.warning("output %s: %s; it is tried again until it is taken", self.name, error)
                attempt += 1
                if self._stop.wait(pause):
                    raise _Stopped from error
            else:
                if attempt:
                    log.info("output %s: works again after %d attempts", self.name, attempt)
                return

    def _pause(self, attempt: int) -> float:
        """Doubled each time, and jittered, so that a hundred nodes do not come back in the same moment."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 10))
        return float(longest * self._context.jitter.uniform(0.5, 1.0))

    def _save(self, spool: str, seq: int) -> None:
        position = Cursor(spool, seq, dict(self._limits.held))
        self._position = position
        self._context.cursors.save(self.name, position)
