"""A sensor of their own for the tests that need the kernel, and two ways to get at its events."""

import collections
import time
from collections.abc import Callable, Iterator

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel import calls
from runtime_monitor.kernel.sensor import Sensor, Settings
from runtime_monitor.selftest import container, entry
from tests.kernel import able

Wait = Callable[[Callable[[Event], bool]], Event]
Tell = Callable[[Callable[[], object]], dict[str, list[Event]]]


def kept(seen: list[Event], fits: Callable[[Event], bool]) -> Callable[[Event], bool]:
    """The same question, which also keeps all events that it was asked about."""

    def asked(event: Event) -> bool:
        seen.append(event)
        return fits(event)

    return asked


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


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    """What the sensor tells of a function that runs in a container, by type: every call that some rule may ask for."""
    able.to_load_programs()
    build.build()
    types = frozenset(call.event_type for call in calls.CALLS)
    with Sensor.open(Settings(ring_bytes=8 << 20, event_types=types)) as sensor, container.running() as made:
        yield lambda function: told(sensor, made, function)


def told(sensor: Sensor, made: container.Container, function: Callable[[], object]) -> dict[str, list[Event]]:
    """Run a function in a container; the events of its process and its children by type, when it has ended."""
    while sensor.poll(0):
        pass  # what others did meanwhile has no place in the ring
    pid = entry.call(made, function).pid
    found = collections.defaultdict(list)
    while batch := sensor.poll(0):
        for event in batch:
            if pid in (event.proc.pid, event.proc.parent):
                found[event.evt.type].append(event)
    return found
