"""Notices new alerts in the spool, once for everybody: outputs, streams, the strip of alerts per minute.

In: the spool, looked at fifty times a second. Out: whoever waits is woken; the newest entries are kept in memory, so
that two hundred streams read the spool once. Called by `delivery` and by `http`.
"""

import collections
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.minutes import Minutes
from runtime_monitor.spool.reader import Entry, Reader
from runtime_monitor.spool.schema import SpoolError

SECONDS: Final = 0.02
SECONDS_WITHOUT_SPOOL: Final = 0.5
FAILURES_TO_TELL: Final = 10
ABSENCES_TO_TELL: Final = 120
"""How often the spool was looked for in vain. A sensor that starts again is no news; the first time it has to load its
programs before it makes a spool, which takes the kernel's verifier its time."""
RECENT: Final = 2000
READ: Final = 500
log = logging.getLogger("podseal.feed")

Item = tuple[Entry, Alert]


class Watch:
    """A thread that follows the spool's end.

    `error` says why the spool cannot be read, empty if it can; `caught_up` is set once the spool was read to its end,
    or found unreadable: what comes after that is new.
    """

    def __init__(self, spool: Path) -> None:
        self.minutes = Minutes()
        self.error = "not looked at yet"
        self.caught_up = threading.Event()
        self.on_news: Callable[[], None] = lambda: None
        self._spool = spool
        self._reader = Reader(spool)
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._identity = ""
        self._last = 0
        self._recent: collections.deque[Item] = collections.deque(maxlen=RECENT)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Wake everybody and end."""
        self._stop.set()
        with self._news:
            self._news.notify_all()
        self._thread.join()

    @property
    def last(self) -> int:
        """The number of the newest alert noticed."""
        return self._last

    def wait(self, seq: int, seconds: float) -> bool:
        """Sleep until there is an alert behind a number, at most so long; whether there is."""
        with self._news:
            return self._news.wait_for(lambda: self._last > seq or self._stop.is_set(), seconds) and self._last > seq

    def since(self, seq: int) -> list[Item] | None:
        """What came behind a number, if memory reaches back that far; None if only the spool does."""
        with self._news:
            if seq >= self._last:
                return []
            if not self._recent or seq < self._recent[0][0].seq - 1:
                return None
            return [item for item in self._recent if item[0].seq > seq]

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                busy = self._look()
                self.error = ""
                failures = 0
            except SpoolError as error:
                failures += 1
                if failures == (FAILURES_TO_TELL if self._spool.exists() else ABSENCES_TO_TELL):
                    log.warning("%s", error)
                self.error = str(error)
                busy = False
            if not busy:
                self.caught_up.set()
                self._stop.wait(SECONDS_WITHOUT_SPOOL if self.error else SECONDS)
        self._reader.close()

    def _look(self) -> bool:
        """Take in what is new; whether there may be more."""
        last = self._reader.last()
        if last == self._last and self._identity:
            return False
        identity = self._reader.identity()
        if identity != self._identity:
            with self._news:
                self._identity, self._last = identity, 0
                self._recent.clear()
        # After a start or a long pause what memory would not hold anyway is left to the spool.
        entries = self._reader.after(self._last, READ)
        items = [(entry, alert) for entry in entries if (alert := _readable(entry)) is not None]
        for _, alert in items:
            self.minutes.add(alert)
        with self._news:
            self._recent.extend(items)
            self._last = entries[-1].seq if len(entries) == READ else max(last, entries[-1].seq if entries else 0)
            self._news.notify_all()
        self.on_news()
        return len(entries) == READ


def _readable(entry: Entry) -> Alert | None:
    try:
        return entry.alert()
    except ValueError:  # msgspec.DecodeError is one
        return None
