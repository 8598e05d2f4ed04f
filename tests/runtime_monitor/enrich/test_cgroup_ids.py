"""Paths of cgroups by their number, on this machine's own hierarchy."""

from pathlib import Path

import pytest

from runtime_monitor.enrich import cgroup_ids
from runtime_monitor.selftest import cgroups
from tests.kernel import able

ID = "c" * 64


@pytest.fixture
def ids() -> cgroup_ids.CgroupIds:
    """The hierarchy of this machine."""
    able.to_make_containers()
    source = cgroup_ids.CgroupIds()
    able.need(given=source.mount_point is not None, reason="needs cgroup version 2: mount -t cgroup2 none DIR")
    return source


def test_a_number_is_a_path(ids: cgroup_ids.CgroupIds) -> None:
    """While the group is there, with nobody in it; afterwards the number means nothing."""
    made = cgroups.make(ID)
    number = made.folder.stat().st_ino
    try:
        assert ids.path(number) == f"/{cgroups.PARENT}/{ID}"
    finally:
        made.remove()
    assert ids.path(number) is None


def test_the_top_is_a_slash(ids: cgroup_ids.CgroupIds) -> None:
    """Where everybody is who has no group."""
    assert ids.mount_point is not None
    assert ids.path(ids.mount_point.stat().st_ino) == "/"


def test_without_version_2_nothing_is_known(tmp_path: Path) -> None:
    """A machine that mounts version 1 alone."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text("25 1 0:22 / /sys/fs/cgroup/pids rw - cgroup none rw,pids\n")
    assert cgroup_ids.CgroupIds(tmp_path).path(1) is None


def test_no_number_no_path(ids: cgroup_ids.CgroupIds) -> None:
    """An event may not tell it."""
    assert ids.path(None) is None
