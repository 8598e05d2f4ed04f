"""Logs: one JSON object a line, the same form for podseal, gunicorn and every library.

In: records of the standard library's logging; what else belongs to a line comes as `extra={"fields": {...}}`.
Out: lines on a stream. Called once by `podseal serve`, before gunicorn starts.
"""

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import msgspec

FLOOD_MESSAGES = 10
FLOOD_SECONDS = 10.0

_encoder = msgspec.json.Encoder(enc_hook=str)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON. Line breaks inside a message are escaped with it, so nobody can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger and message come first, then the record's own fields."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return _encoder.encode(line).decode()
        except (UnicodeEncodeError, ValueError, TypeError):
            # A lone surrogate, say: the line is worth more than its exact form.
            return _encoder.encode({key: ascii(value) for key, value in line.items()}).decode()


class FloodFilter(logging.Filter):
    """Lets through so many warnings of a kind in so many seconds, and then says how many it dropped.

    Whoever can reach the port can make gunicorn warn of broken handshakes as often as they like. The kind of a record
    is the first words of its message; errors always pass.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._window_ends = float("-inf")
        self._seen: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record passes; the first of a new window carries what was dropped in the last."""
        if record.levelno < logging.WARNING or (record.levelno > logging.WARNING and not _is_clients_fault(record)):
            return True
        now = self._clock()
        dropped = 0
        if now >= self._window_ends:
            dropped = sum(max(0, count - FLOOD_MESSAGES) for count in self._seen.values())
            self._seen.clear()
            self._window_ends = now + FLOOD_SECONDS
        kind = str(record.msg)[:20]
        self._seen[kind] = self._seen.get(kind, 0) + 1
        if dropped:
            record.fields = {**getattr(record, "fields", {}), "similar_dropped": dropped}
        return self._seen[kind] <= FLOOD_MESSAGES


def configure(level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything to one stream; the root logger is ours alone."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(FloodFilter())
    # What no line has need not be asked for at each (the logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _is_clients_fault(record: logging.LogRecord) -> bool:
    """Whether gunicorn logged a connection that broke or timed out, which it does as an error with a traceback."""
    return bool(record.exc_info and isinstance(record.exc_info[1], ConnectionError | TimeoutError))
