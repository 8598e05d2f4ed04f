"""The sensor on the running kernel."""

import select
from pathlib import Path

import pytest

from runtime_monitor.kernel.sensor import Losses, Sensor, ring_size
from runtime_monitor.selftest import container
from tests.runtime_monitor.kernel.conftest import Wait

pytestmark = pytest.mark.kernel


def test_the_first_write_of_a_container_is_seen(sensor: Sensor, wait: Wait) -> None:
    """Nobody has told the sensor of it: the kernel finds the root by itself."""
    entrypoint = ("/bin/sh", "-c", "echo > /first; read -r line")
    with container.running(container.Configuration(entrypoint=entrypoint)) as made:
        event = wait(lambda each: each.fd.name == "/first")
        assert event.fd.root == made.device
        assert (event.fd.path_source, event.fd.created, event.drift.kind) == ("object", True, "write")
        assert made.device in sensor.roots.provisional()
    assert sensor.losses() == Losses()


def test_events_can_be_waited_for_by_descriptor(sensor: Sensor) -> None:
    """As the loop of a daemon does."""
    with container.running():
        assert select.select([sensor.file_descriptor], [], [], 10)[0]
        assert sensor.poll()


def test_the_log_line_names_tier_and_kernel(sensor: Sensor) -> None:
    """One line."""
    assert sensor.describe().startswith(f"sensor: tier {sensor.tier} on Linux ")
    assert "\n" not in sensor.describe()


def test_nothing_is_left_in_bpffs(sensor: Sensor) -> None:
    """The pins were for loading only."""
    assert not list(Path("/sys/fs/bpf").glob("podseal-*"))
    assert sensor.poll() is not None


@pytest.mark.parametrize(("cpus", "mebibytes"), [(1, 8), (4, 8), (5, 16), (16, 32), (256, 64)])
def test_the_ring_grows_with_the_cpus(cpus: int, mebibytes: int) -> None:
    """A power of two, within bounds."""
    assert ring_size(cpus) == mebibytes << 20
