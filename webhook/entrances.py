"""Whether a path is one that the API server was told: its random end is in the file that podseal-certs keeps.

In: the file (JSON, as certs/paths.py writes it), the end of a request's path. Out: yes or no. Called by the app for
each request. Without a client certificate it is what tells the API server from whoever else reaches the port.
"""

import hmac
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

SECONDS_BETWEEN_LOOKS = 1.0

log = logging.getLogger("podseal.entrances")


class Accepted(msgspec.Struct, frozen=True):
    """One random end of paths."""

    token: str


class Stored(msgspec.Struct, frozen=True):
    """What the file holds."""

    paths: tuple[Accepted, ...]


class Entrances:
    """The random ends that are accepted; looks at the file at most once a second.

    Raises:
        OSError, ValueError: the file cannot be read, or holds none.
    """

    def __init__(self, file: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._signature = _signature(file)
        self._tokens = _read(file)
        self._next_look = clock() + SECONDS_BETWEEN_LOOKS

    def know(self, token: str) -> bool:
        """Whether the end of a path is one of them."""
        if self._clock() >= self._next_look:
            with self._lock:
                self._look()
        asked = token.encode()
        # In a time that says nothing of how much of it is right.
        return any(hmac.compare_digest(each, asked) for each in self._tokens)

    def _look(self) -> None:
        if self._clock() < self._next_look:
            return
        self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
        try:
            signature = _signature(self._file)
            if signature != self._signature:
                self._tokens, self._signature = _read(self._file), signature
        except (OSError, ValueError) as error:
            log.warning("paths not reloaded, the former ones stay accepted: %s", error)


def _read(file: str) -> tuple[bytes, ...]:
    try:
        found = msgspec.json.decode(Path(file).read_bytes(), type=Stored).paths
    except msgspec.DecodeError as error:
        raise ValueError(f"{file}: {error}; let podseal-certs write it") from error
    if not found or not all(each.token for each in found):
        raise ValueError(f"{file} holds no path; let podseal-certs write it")
    return tuple(each.token.encode() for each in found)


def _signature(file: str) -> tuple[int, int, int]:
    """What changes when the file does; a Secret's volume is swapped by a symbolic link, which stat follows."""
    found = os.stat(file)  # noqa: PTH116 -- once a second, in the path of a request
    return found.st_mtime_ns, found.st_ino, found.st_size
