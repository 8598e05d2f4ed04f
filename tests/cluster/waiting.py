"""Waits for conditions, never for a time that might be enough.

In: a callable and a deadline in seconds. Out: its first true value. Called wherever the test bed must wait.
"""

import collections.abc
import time
from typing import TypeVar

T = TypeVar("T")
_PAUSE = 0.05  # seconds between two looks


def until(condition: collections.abc.Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """Call `condition` until it returns something true, and return that.

    Raises:
        TimeoutError: it was still false after `seconds`; the text says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(_PAUSE)
    return value
