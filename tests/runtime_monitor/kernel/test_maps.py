"""Maps of the kernel."""

import struct

import pytest

from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.maps import Map
from runtime_monitor.kernel.sensor import Sensor

pytestmark = pytest.mark.kernel


def test_values_come_back_by_key(sensor: Sensor) -> None:
    """Put, get, list, discard."""
    table = sensor.programs.map("cgroups", 8, 4)
    key, value = struct.pack("Q", 2**60), struct.pack("I", 7)
    assert table.get(key) is None
    table.put(key, value)
    assert table.get(key) == value
    assert (key, value) in list(table.items())
    table.discard(key)
    table.discard(key)
    assert table.get(key) is None


def test_a_full_map_is_told_by_name(sensor: Sensor) -> None:
    """With the kernel's reason."""
    table = sensor.programs.map("cgroups", 8, 4)
    with pytest.raises(KernelError, match="map cgroups: "):
        _fill(table)


def _fill(table: Map) -> None:
    for number in range(2**40, 2**40 + 5000):
        table.put(struct.pack("Q", number), bytes(4))
