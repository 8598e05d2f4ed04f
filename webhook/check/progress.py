"""A progress bar on one line of a terminal, for runs long enough to wonder.

In: how many files, or pods, of how many are done. Out: a line that rewrites itself, removed at the end. Made by
`webhook.commands.check` and `scan`, fed by `run` and `walk`.
"""

from collections.abc import Callable
from typing import IO

WIDTH = 30
SILENT_SECONDS = 0.7
SECONDS_BETWEEN = 0.1
CLEAR = "\r\x1b[K"


class Bar:
    """Draws nothing in the first moments of a run, and never where the stream is no terminal."""

    def __init__(self, stream: IO[str], clock: Callable[[], float], unit: str = "files") -> None:
        self._stream = stream
        self._unit = unit
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._next = clock() + SILENT_SECONDS
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        """So many are done; a total of 0 means that nobody knows it."""
        if not self._is_terminal or self._clock() < self._next:
            return
        self._next = self._clock() + SECONDS_BETWEEN
        filled = WIDTH * done // total if total else 0
        bar = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}" if total else f"{done}"
        self._stream.write(f"{CLEAR}{bar} {self._unit}")
        self._stream.flush()
        self._drawn = True

    def close(self) -> None:
        """Leave the line empty."""
        if self._drawn:
            self._stream.write(CLEAR)
            self._stream.flush()
