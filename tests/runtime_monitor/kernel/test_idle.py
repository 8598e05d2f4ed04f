"""Counts of files that stay open."""

import time

import pytest

from runtime_monitor.events import Event
from runtime_monitor.kernel import idle
from runtime_monitor.kernel.idle import Idle
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.selftest import container
from tests.runtime_monitor.kernel.conftest import Wait, kept

_STARTED = 100 * 10**9


class _Noting(Idle):
    """Notes what it would tell."""

    def __init__(self) -> None:
        super().__init__(program=-1)
        self.told: list[int] = []

    def tell(self, before: int) -> None:
        """Note it."""
        self.told.append(before)


def test_it_looks_once_a_period_for_what_is_old_enough() -> None:
    """However often the ring is read."""
    looking = _Noting()
    for now in (_STARTED, _STARTED + 1, _STARTED + idle.PERIOD - 1, _STARTED + idle.PERIOD):
        looking.look(now)
    assert looking.told == [_STARTED - idle.AFTER, _STARTED + idle.PERIOD - idle.AFTER]


@pytest.mark.kernel
def test_a_file_that_stays_open_and_idle_is_told(sensor: Sensor, wait: Wait) -> None:
    """Its further writes, with the path of the first one, although nobody writes again."""
    entrypoint = ("/bin/sh", "-c", "exec > /idle; echo one; echo two; mkdir /done; read -r line")
    seen: list[Event] = []

    def counts(event: Event) -> bool:
        return event.fd.name == "/idle" and event.fd.writes == 1

    with container.running(container.Configuration(entrypoint=entrypoint)):
        wait(kept(seen, lambda event: event.fd.name == "/done"))
        if not any(map(counts, seen)):  # on a machine so slow that its time has come already
            sensor.idle.tell(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            seen.append(wait(counts))
    (told,) = filter(counts, seen)
    assert (told.proc.name, told.fd.bytes_written) == ("sh", len("two\n"))
