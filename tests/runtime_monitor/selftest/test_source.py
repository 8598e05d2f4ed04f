"""The monitor's own way of an event: a container is found by its bundle, and its events are enriched."""

import pathlib

import pytest

from runtime_monitor.kernel import sensor
from runtime_monitor.selftest import container, entry, run, source
from tests.kernel import able

pytestmark = pytest.mark.kernel


def test_a_write_comes_with_its_container() -> None:
    """Nobody tells the sensor of the container; its name is the bundle's."""
    able.to_load_programs()
    with (
        sensor.Sensor.open(sensor.Settings()) as opened,
        source.live(opened) as live,
        run.listening(live) as listener,
        container.running() as made,
    ):
        entry.call(made, pathlib.Path("/written").touch)
        while (arrival := listener.next(20)) is not None:
            event = arrival.event
            if event.fd.name == "/written":
                assert (event.container.full_id, event.container.name) == (made.id, container.NAME)
                return
    pytest.fail("no event came")
