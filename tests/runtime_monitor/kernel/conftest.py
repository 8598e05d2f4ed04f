"""A sensor of their own for the tests that need the kernel, and the wait for an event with a deadline."""

import time
from collections.abc import Callable, Iterator

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel.sensor import Sensor, Settings
from tests.kernel import able

Wait = Callable[[Callable[[Event], bool]], Event]


@pytest.fixture
def sensor() -> Iterator[Sensor]:
    """A running sensor; skipped where the machine cannot have one."""
    able.to_load_programs()
    build.build()
    with Sensor.open(Settings(ring_bytes=1 << 20)) as opened:
        yield opened


@pytest.fixture
def wait(sensor: Sensor) -> Wait:
    """The next event that fits; fails after a minute with what came instead."""

    def until(fits: Callable[[Event], bool]) -> Event:
        deadline, others = time.monotonic() + 60, []
        while time.monotonic() < deadline:
            for event in sensor.poll(0.1):
                if fits(event):
                    return event
                others.append(f"{event.evt.type} {event.fd.name} {event.proc.name}")
        pytest.fail(f"no such event; there were {others}")

    return until
