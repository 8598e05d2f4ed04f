"""Turns the signals that end a program into exceptions, so that what it made is torn down, and holds them meanwhile.

In: nothing. Out: two context managers, for the main thread. Used by the command line and by the fixture `bed`.
"""

import collections.abc
import contextlib
import signal
import types

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    del frame
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextlib.contextmanager
def raised() -> collections.abc.Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM and SIGHUP as for Ctrl-C; by default they end the process on the spot."""
    before = [signal.signal(number, _interrupt) for number in _ENDING]
    try:
        yield
    finally:
        _set(before)


@contextlib.contextmanager
def ignored() -> collections.abc.Iterator[None]:
    """Ignore them: an impatient second Ctrl-C must not end a teardown half-way."""
    before = [signal.signal(number, signal.SIG_IGN) for number in _ENDING]
    try:
        yield
    finally:
        _set(before)


def _set(handlers: collections.abc.Iterable[object]) -> None:
    for number, handler in zip(_ENDING, handlers, strict=True):
        signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() itself returned before
