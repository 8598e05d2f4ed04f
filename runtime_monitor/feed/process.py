"""The feed's process: the spool's watch, an output's delivery each, the server; and how it ends.

In: Settings; with a stream in them the spool is a copy of it. Out: it runs until SIGINT or SIGTERM. SIGUSR1 opens the
files of outputs anew, SIGHUP reads the configuration anew. Called by `podseal-monitor feed`, and by `child` for
`podseal-monitor run`.
"""

import logging
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime_monitor.feed.cursors import Cursors
from runtime_monitor.feed.deliveries import Deliveries
from runtime_monitor.feed.delivery import Context
from runtime_monitor.feed.http.app import Store
from runtime_monitor.feed.http.server import Server
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.outputs.file import File
from runtime_monitor.feed.reloading import Reloading, Source
from runtime_monitor.feed.settings import Settings
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.reader import Reader
from runtime_monitor.spool.schema import SpoolError

if TYPE_CHECKING:
    from runtime_monitor.feed.jetstream.mirror import Mirror

SECONDS_TO_READ: Final = 30.0
SECONDS_BETWEEN_LOOKS: Final = 0.02
log = logging.getLogger("podseal.feed")


class Feed:
    """Everything that runs in the feed's process.

    Raises:
        CursorsError, guard.ConfigurationError, OSError: it cannot run like this.
    """

    def __init__(self, settings: Settings, source: Source | None = None) -> None:
        spool, metrics = Path(settings.spool), Metrics()
        self._mirror: Mirror | None = None
        if settings.stream is not None:
            # Here, not above: no other feed needs the client of NATS, which costs a quarter of a second.
            from runtime_monitor.feed.jetstream import mirror  # noqa: PLC0415

            spool = Path(settings.state) / "stream.db"
            self._mirror = mirror.Mirror(settings.stream, spool, metrics)
        self._spool = spool
        self._watch = Watch(spool)
        self._cursors = Cursors(Path(settings.state) / "cursors.db")
        context = Context(spool, self._cursors, self._watch, metrics)
        self._server = None
        if settings.listen is not None:
            self._server = Server(settings.listen, Store(spool, self._watch, metrics, self._mirror))
        self._deliveries = Deliveries(settings.outputs, context)
        self._reloading = Reloading(source, settings, self._deliveries.use) if source else None
        self._stop = threading.Event()

    @property
    def url(self) -> str:
        """Where the page is; empty where none is served."""
        return self._server.url if self._server else ""

    def run(self) -> None:
        """Deliver and serve until a signal."""
        signal.signal(signal.SIGUSR1, lambda *_: self._reopen())
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn has handlers of its own while it serves, and raises the signal again when it has ended.
            signal.signal(number, lambda *_: self._stop.set())
        if self._mirror:
            self._mirror.start()
        self._watch.start()
        self._deliveries.start()
        if self._reloading:
            reloading = self._reloading
            signal.signal(signal.SIGHUP, lambda *_: reloading.ask())
            reloading.start()
        try:
            if self._server:
                self._watch.caught_up.wait(SECONDS_TO_READ)
                log.info("the page is at %s", self.url)
                self._server.run()
            else:
                self._stop.wait()
        finally:
            self._end()

    def stop(self) -> None:
        """Let `run` end. Any thread may call this."""
        self._stop.set()
        if self._server:
            self._server.stop()

    def drain(self, seconds: float) -> None:
        """Return once every output has had what the spool holds now, or after so many seconds."""
        reader = Reader(self._spool)
        try:
            last = reader.last()
        except SpoolError:
            return
        finally:
            reader.close()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(each.position < last for each in self._deliveries):
            self._stop.wait(SECONDS_BETWEEN_LOOKS)

    def _reopen(self) -> None:
        for each in self._deliveries:
            if isinstance(each.output, File):
                each.output.reopen()

    def _end(self) -> None:
        if self._reloading:
            self._reloading.stop()
        self._deliveries.end()
        if self._mirror:
            self._mirror.stop()
        self._watch.stop()
        self._cursors.close()
