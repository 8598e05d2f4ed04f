"""Alerts per minute, for the strip on the page.

In: alerts. Out: for each of the last minutes how many there were of each priority. Called by `watch`; any thread reads.
"""

import threading
from typing import Any, Final

from runtime_monitor.alerts import Alert, Priority

KEPT: Final = 24 * 60
NANOSECONDS_A_MINUTE: Final = 60 * 1_000_000_000


class Minutes:
    """Counts by the alerts' own times; the newest day of minutes that had any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, list[int]] = {}

    def add(self, alert: Alert) -> None:
        """Count one."""
        minute = alert.time // NANOSECONDS_A_MINUTE
        with self._lock:
            counts = self._counts.setdefault(minute, [0] * len(Priority))
            counts[alert.priority] += 1
            if len(self._counts) > KEPT:
                del self._counts[min(self._counts)]

    def last(self, count: int, now: int) -> list[dict[str, Any]]:
        """So many minutes up to the one of `now` (nanoseconds), the oldest first, those without alerts too."""
        newest = now // NANOSECONDS_A_MINUTE
        with self._lock:
            found = {minute: tuple(self._counts.get(minute, ())) for minute in range(newest - count + 1, newest + 1)}
        return [
            {
                "time": minute * 60,
                "counts": {each.name.lower(): counts[each] for each in Priority if counts and counts[each]},
            }
            for minute, counts in found.items()
        ]
