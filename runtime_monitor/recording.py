"""Recorded events: a file with one JSON object a line, as `events.record` makes them.

In: Events, out: lines, by `Recording`, which `node` fills with `--record`. In: a file, out: Events, by `read`, which
`podseal-monitor replay` and `rules explain` call. Bytes that are no UTF-8 become U+FFFD. The file is the
administrator's; one that cannot be written any more ends the recording, not the watch.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from runtime_monitor import events
from runtime_monitor.alerts import printable
from runtime_monitor.events import Event

log = logging.getLogger("podseal.recording")
STDIN = "-"
MAX_LINE = 4 << 20
"""Bytes of one event; the kernel's records are some kilobytes."""


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


class RecordingError(ValueError):
    """A recording that cannot be read; the text names the file, the line and the reason."""


def read(name: str) -> Iterator[Event]:
    """The events of a recording.

    Raises:
        RecordingError: the file cannot be opened, or a line is no event of this schema.
    """
    if name == STDIN:
        yield from _lines(sys.stdin.buffer, "<stdin>")
        return
    try:
        with Path(name).open("rb") as file:
            yield from _lines(file, name)
    except OSError as error:
        raise RecordingError(f"{name}: {error.strerror}") from error


def _lines(file: IO[bytes], name: str) -> Iterator[Event]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if line.isspace():
            continue
        try:
            yield events.restore(msgspec.json.decode(line, type=dict))
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{name}:{number}: no recorded event: {error}") from error
