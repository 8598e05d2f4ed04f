"""The filter's maps."""

import struct
from pathlib import Path

import pytest

from runtime_monitor.kernel import machine
from runtime_monitor.kernel.decode import kernel_device
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.roots import Root, root_of_process
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.selftest import container
from tests.runtime_monitor.kernel.conftest import Wait

pytestmark = pytest.mark.kernel


def test_a_confirmed_root_is_provisional_no_longer(sensor: Sensor) -> None:
    """And a forgotten one is gone, with the namespaces that led to it."""
    with container.running() as made:
        assert made.device in sensor.roots.provisional()
        sensor.watch_root(root_of_process(made.pid, machine.host()))
        assert made.device not in sensor.roots.provisional()
        before = sensor.roots.count()
        sensor.unwatch_root(made.device)
        assert sensor.roots.count() == before - 1


def test_the_host_s_root_is_refused(sensor: Sensor) -> None:
    """It would make every write of the machine an event."""
    with pytest.raises(KernelError, match="host's own root"):
        sensor.watch_root(Root(device=Path("/").stat().st_dev))


def test_a_container_that_runs_already_is_found(sensor: Sensor) -> None:
    """By its processes' roots, as if the kernel had seen it start."""
    with container.running() as made:
        sensor.unwatch_root(made.device)
        sensor.roots.find_running()
        assert made.device in sensor.roots.provisional()


def test_a_root_that_somebody_removed_is_told(sensor: Sensor) -> None:
    """Unless the container itself has ended."""
    with container.running() as made:
        sensor.watch_root(root_of_process(made.pid, machine.host()))
        assert sensor.tampered() == []
        sensor.programs.map("roots", 4, 24).discard(struct.pack("I", kernel_device(made.device)))
        assert sensor.tampered() == [f"the root on device {kernel_device(made.device)} is watched no longer"]
        sensor.roots.forget(made.device)
        assert sensor.tampered() == []


def test_the_kernel_forgets_a_root_with_its_container(sensor: Sensor, wait: Wait) -> None:
    """Its numbers are given to the next one."""
    with container.running() as made:
        device = made.device
        assert device in sensor.roots.provisional()
    wait(lambda event: bool(event.fd.last and event.fd.root == device))
    assert device not in sensor.roots.provisional()
