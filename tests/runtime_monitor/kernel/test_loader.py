"""Bringing objects into the kernel."""

from pathlib import Path

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.kernel import loader
from runtime_monitor.kernel.btf import Types
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.kernel.tiers import Tier
from tests.kernel import able

pytestmark = pytest.mark.kernel
OBJECT = build.OBJECTS / "process.bpf.o"


def test_programs_that_are_called_are_not_attached(sensor: Sensor) -> None:
    """By other programs or by user space; all others are."""
    for loaded in sensor.programs.loaded:
        called = {name for name in loaded.programs if name.startswith(loader.FOLLOWER)} | {"sweep"}
        assert set(loaded.links) == set(loaded.programs) - called


def test_a_constant_of_another_size_is_refused() -> None:
    """Before anything is loaded."""
    able.to_load_programs()
    with Types.of_kernel() as kernel:
        plan = loader.Plan(OBJECT, Path("/sys/fs/bpf"), {"host_root_device": bytes(2)}, kernel, Tier.TRACEPOINT)
        with pytest.raises(KernelError, match=r"process\.bpf\.o: host_root_device takes 4 bytes, not 2"):
            loader.load(plan)


def test_an_object_that_is_none_is_named(tmp_path: Path) -> None:
    """With its path."""
    (tmp_path / "x.bpf.o").write_bytes(b"no object")
    with Types.of_kernel() as kernel, pytest.raises(KernelError, match=r"opening .*x\.bpf\.o"):
        loader.load(loader.Plan(tmp_path / "x.bpf.o", tmp_path, {}, kernel, Tier.TRACEPOINT))
