"""The sensor on the running kernel."""

import select

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.events import Event
from runtime_monitor.kernel.sensor import BPFFS, Losses, Sensor, Settings, ring_size
from runtime_monitor.selftest import container, entry
from tests.kernel import able
from tests.runtime_monitor.kernel.conftest import Wait, kept

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


def test_a_count_is_told_when_its_number_is_another_file(sensor: Sensor, wait: Wait) -> None:
    """dup2 closes the old file unseen; what was written to it is not forgotten."""
    copying = "import os; a, b = (os.open(f, os.O_CREAT | os.O_WRONLY) for f in ('/a', '/b')); os.write(a, b'12');"
    program = copying + " os.dup2(b, a); os.write(a, b'345')"
    seen: list[Event] = []
    with container.running() as made:
        assert entry.execute(made, ("python3", "-c", program)).status == 0
        wait(kept(seen, lambda event: event.evt.type == "procexit" and event.fd.root == made.device))
    told = [(event.fd.name, event.fd.writes, event.fd.bytes_written) for event in seen if event.fd.writes]
    first = [
        (event.fd.name, event.evt.raw_result) for event in seen if event.evt.type == "write" and not event.fd.writes
    ]
    assert (told, first) == ([("/a", 1, 2)], [("/b", 3)])
    assert sensor.losses() == Losses()


def test_events_can_be_waited_for_by_descriptor(sensor: Sensor) -> None:
    """As the loop of a daemon does."""
    with container.running():
        assert select.select([sensor.file_descriptor], [], [], 60)[0]
        assert sensor.poll()


def test_the_log_line_names_tier_and_kernel(sensor: Sensor) -> None:
    """One line."""
    assert sensor.describe().startswith(f"sensor: tier {sensor.tier} on Linux ")
    assert "\n" not in sensor.describe()


def test_nothing_is_left_in_bpffs() -> None:
    """The pins were for loading only; those of others stay."""
    able.to_load_programs()
    build.build()
    before = set(BPFFS.glob("podseal-*"))
    with Sensor.open(Settings(ring_bytes=1 << 20)) as opened:
        assert opened.poll() is not None
        assert set(BPFFS.glob("podseal-*")) <= before


@pytest.mark.parametrize(("cpus", "mebibytes"), [(1, 8), (4, 8), (5, 16), (16, 32), (256, 64)])
def test_the_ring_grows_with_the_cpus(cpus: int, mebibytes: int) -> None:
    """A power of two, within bounds."""
    assert ring_size(cpus) == mebibytes << 20
