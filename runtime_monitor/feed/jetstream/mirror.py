"""The stream's alerts, copied to a file in the spool's form, from which the feed serves them like a node's own.

In: the stream, asked ten times a second for what is new. Out: a spool that `spool.reader` reads, whose numbers are
those of the stream: the same in every replica of the cluster's feed. Called by `feed.process`. The copy is only there
to be searched; it is made anew from the stream wherever a replica starts.

A node may publish to its own subject alone, but what it writes there is its own business: an alert that says it is of
another node is not taken.
"""

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from runtime_monitor import alerts
from runtime_monitor.feed.jetstream import reading, stream
from runtime_monitor.feed.jetstream.client import Client, JetStreamError
from runtime_monitor.feed.jetstream.settings import READER, Stream
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.spool.copy import Copy
from runtime_monitor.spool.schema import SpoolError
from runtime_monitor.spool.writer import Row

SECONDS: Final = 0.1
SECONDS_AFTER_FAILURE: Final = 1.0
SECONDS_BETWEEN_STATES: Final = 10.0
SECONDS_OF_GRACE: Final = 30.0
"""For so long a stream that does not answer is no reason to send readers to another replica."""
UNKNOWN: Final = 2**62
log = logging.getLogger("podseal.feed")


class Mirror:
    """A thread that copies a stream. `error` says why it cannot, empty if it can.

    Raises:
        SpoolError: there is no room for the copy.
    """

    def __init__(self, settings: Stream, path: Path, metrics: Metrics) -> None:
        self.error = "not asked yet"
        self._settings = settings
        self._metrics = metrics
        self._copy = Copy(path)
        self._client = Client(settings.connection, READER)
        self._asker = Client(settings.connection, READER)
        self._last = 0
        self._caught_up = False
        self._forging: set[str] = set()
        self._answered = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def start(self) -> None:
        """Begin to copy."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self._asker.close()

    def unready(self) -> str:
        """Why readers are better served by another replica, empty if they are not."""
        if not self._caught_up:
            return self.error or "still reading the stream"
        return self.error if time.monotonic() - self._answered > SECONDS_OF_GRACE else ""

    def newest(self) -> int:
        """The highest number in the stream now, copied or not; a huge one where the stream does not answer."""
        try:
            return self._asker.run(lambda nats: stream.information(nats, self._settings.name)).state.last_seq
        except JetStreamError:
            return UNKNOWN

    def _run(self) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                self._follow()
            except (JetStreamError, SpoolError, sqlite3.Error) as error:
                self.error = str(error)
                if self.error != told:
                    log.warning("the stream %s cannot be read: %s", self._settings.name, error)
                told = self.error
            except Exception:
                self.error = "a fault of ours, see the log"
                log.exception("a fault of ours; the stream is read again from where it stands")
            self._stop.wait(SECONDS_AFTER_FAILURE)
        self._client.close()
        self._copy.close()

    def _follow(self) -> None:
        next_state = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= next_state:
                self._take_state()
                next_state = now + SECONDS_BETWEEN_STATES
            batch = self._client.run(lambda nats: reading.after(nats, self._settings.name, self._last))
            self._answered = time.monotonic()
            self.error = ""
            if batch.messages:
                self._take(batch)
            self._caught_up = self._caught_up or not batch.pending
            if not batch.pending:
                self._stop.wait(SECONDS)

    def _take_state(self) -> None:
        """Which stream it is, and what it does not keep any more."""
        known = self._client.run(lambda nats: stream.information(nats, self._settings.name))
        self._copy.begin(known.identity)
        self._last = self._copy.last
        while self._copy.forget(known.state.first_seq):
            pass
        self._copy.report("stream", {"name": self._settings.name, **known.described()})

    def _take(self, batch: reading.Batch) -> None:
        rows = [(each.sequence, row) for each in batch.messages if (row := self._row(each)) is not None]
        last = batch.messages[-1].sequence
        added = self._copy.take(rows, last)
        self._metrics.repeated.inc(len(rows) - added)
        self._last = last

    def _row(self, message: reading.Message) -> Row | None:
        node = message.subject.removeprefix(f"{self._settings.subject}.")
        try:
            alert = alerts.decode(message.data)
        except ValueError:  # msgspec.DecodeError is one
            self._metrics.refused.labels("unreadable").inc()
            return None
        if alert.hostname != node or not alert.id.startswith(f"{node}/"):
            self._metrics.refused.labels("forged").inc()
            if node not in self._forging:
                self._forging.add(node)
                log.warning("node %s publishes alerts of another one, %s: left out", node, ascii(alert.hostname))
            return None
        return Row(alert, message.data)
