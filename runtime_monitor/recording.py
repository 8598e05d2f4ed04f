"""Writes enriched events to a file, one JSON object a line, for `podseal-monitor replay` and for tests.

In: Events. Out: lines as `events.record` makes them. Called by `node` with `--record`. Bytes that are no UTF-8 become
U+FFFD. The file is the administrator's; one that cannot be written any more ends the recording, not the watch.
"""

import contextlib
import logging
from pathlib import Path
from typing import BinaryIO

import msgspec

from runtime_monitor import events
from runtime_monitor.alerts import printable
from runtime_monitor.events import Event

log = logging.getLogger("podseal.recording")


class Recording:
    """A file that grows by an event a line; None as its path records nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file: BinaryIO | None = path.open("ab", buffering=64 * 1024) if path else None
        self._encoder = msgspec.json.Encoder()

    def add(self, event: Event) -> None:
        """One more line."""
        if self._file is not None:
            self._keep(self._encoder.encode(printable(events.record(event))) + b"\n")

    def flush(self) -> None:
        """Write out what waits."""
        self._keep(b"")

    def close(self) -> None:
        """Write out what waits, and close."""
        self.flush()
        if self._file is not None:
            self._file.close()

    def _keep(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line)
            if not line:
                self._file.flush()
        except OSError as error:
            log.error("the recording ends: %s: %s", self._file.name, error.strerror)  # noqa: TRY400 -- one line
            with contextlib.suppress(OSError):
                self._file.close()  # tries to write once more, and closes even so
            self._file = None
