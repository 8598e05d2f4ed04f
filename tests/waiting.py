"""Wait for a condition with a deadline, never for a time."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Return once the condition holds; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.01)
