"""A progress bar on one line of a terminal, for runs long enough to wonder.

In: how many files of how many are done. Out: a line that rewrites itself, removed at the end. Made by
`webhook.commands.check`, fed by `run`.
"""

from collections.abc import Callable
from typing import IO

WIDTH = 30
SILENT_SECONDS = 0.7
SECONDS_BETWEEN = 0.1
CLEAR = "\r\x1b[K"


class Bar:
    """Draws nothing in the first moments of a run, and never where the stream is no terminal."""

    def __init__(self, stream: IO[str], clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._next = clock() + SILENT_SECONDS
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        """So many files are done."""
        if not self._is_terminal or self._clock() < self._next:
            return
        self._next = self._clock() + SECONDS_BETWEEN
        filled = WIDTH * done // max(total, 1)
        self._stream.write(f"{CLEAR}[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total} files")
        self._stream.flush()
        self._drawn = True

    def close(self) -> None:
        """Leave the line empty."""
        if self._drawn:
            self._stream.write(CLEAR)
            self._stream.flush()
