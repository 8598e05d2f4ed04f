"""Alerts per minute."""

import msgspec

from runtime_monitor.alerts import Priority
from runtime_monitor.feed import minutes
from tests.runtime_monitor import generated

MINUTE = minutes.NANOSECONDS_A_MINUTE
ALERT = generated.alert(0)


def test_minutes_are_counted_by_priority() -> None:
    """Those without alerts are there as well, and later ones too."""
    counted = minutes.Minutes()
    for offset, priority in (
        (0, Priority.ERROR),
        (0, Priority.ERROR),
        (0, Priority.DEBUG),
        (2 * MINUTE, Priority.ALERT),
    ):
        counted.add(msgspec.structs.replace(ALERT, time=ALERT.time + offset, priority=priority))
    found = counted.last(4, ALERT.time + 2 * MINUTE)
    assert [each["counts"] for each in found] == [{}, {"error": 2, "debug": 1}, {}, {"alert": 1}]
    assert found[1]["time"] == ALERT.time // MINUTE * 60
    assert found[3]["time"] - found[0]["time"] == 180


def test_the_minutes_kept_are_bounded() -> None:
    """The oldest goes, whatever times hostile or broken clocks give."""
    counted = minutes.Minutes()
    for number in range(minutes.KEPT + 5):
        counted.add(msgspec.structs.replace(ALERT, time=number * MINUTE))
    assert counted.last(5, 4 * MINUTE)[-1]["counts"] == {}
    assert counted.last(1, (minutes.KEPT + 4) * MINUTE)[0]["counts"]
