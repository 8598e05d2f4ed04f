"""The container's cgroup."""

import os
import pathlib

import pytest

from runtime_monitor.selftest import cgroups, entry
from tests.kernel import able

pytestmark = pytest.mark.kernel


def test_made_joined_and_removed() -> None:
    """A process joins, /proc says so, and after its end nothing is left."""
    able.to_make_containers()
    cgroup = cgroups.make("c0ffee" * 10 + "cafe")
    try:

        def joins() -> None:
            cgroup.join()
            assert f"/{cgroups.PARENT}/c0ffee" in pathlib.Path("/proc/self/cgroup").read_text()
            assert cgroup.processes() == [os.getpid()]

        entry.outside(joins)
        assert cgroup.processes() == []
    finally:
        cgroup.remove()
    assert not cgroup.folder.exists()
    assert cgroup.processes() == []
