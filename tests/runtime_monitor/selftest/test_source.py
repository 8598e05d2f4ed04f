"""The sensor as a source: by what the kernel knows a container."""

import pathlib

import pytest

from runtime_monitor.kernel import machine
from runtime_monitor.selftest import container, source

pytestmark = pytest.mark.kernel


def test_a_container_is_known_by_its_superblock_namespaces_cgroup_and_upper_directory(
    running: container.Container,
) -> None:
    """All of them the container's own."""
    root = source.root_of(running, machine.host())
    upper = running.upper.stat()
    assert root.device == running.root.stat().st_dev
    assert root.trees == ((upper.st_dev, upper.st_ino),)
    own = [pathlib.Path(f"/proc/self/ns/{kind}").stat().st_ino for kind in ("mnt", "pid")]
    assert not {root.mount_namespace, root.pid_namespace} & set(own)
    assert root.cgroup == running.cgroup.folder.stat().st_ino
