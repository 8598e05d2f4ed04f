"""What /proc shows of a container: of one that runs, and of mount tables as text."""

import os
import time
from pathlib import Path

import pytest

from runtime_monitor.enrich import roots
from runtime_monitor.selftest import container

ID = "ab" * 32
OVERLAY = b"1 0 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u/fs,workdir=/w\n"


@pytest.mark.parametrize(
    ("reason", "mountinfo", "expected"),
    [
        ("an overlay", OVERLAY, "/u/fs"),
        ("with optional fields", OVERLAY.replace(b" - ", b" shared:1 master:2 - "), "/u/fs"),
        ("with blanks in its name", OVERLAY.replace(b"/u/fs", b"/my\\040disk/fs"), "/my disk/fs"),
        ("read-only, so without an upper layer", OVERLAY.replace(b",upperdir=/u/fs,workdir=/w", b""), None),
        ("no overlay", b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", None),
        ("the overlay of another mount", OVERLAY.replace(b" / / ", b" / /mnt "), None),
        ("a mount point with blanks", b"1 0 0:5 / /a\\040b rw - tmpfs t rw\n" + OVERLAY, "/u/fs"),
        ("empty", b"", None),
        ("no mount table", b"- - - -\n\n - overlay", None),
    ],
)
def test_the_upper_directory(reason: str, mountinfo: bytes, expected: str | None) -> None:
    """Where the container's writes land on the host."""
    assert roots.upper_directory(mountinfo) == expected, reason


def test_a_running_container(running: container.Container, proc: roots.Proc) -> None:
    """Its own device and namespaces, its cgroup, the upper directory by (device, inode)."""
    found = proc.root(running.pid)
    upper = running.upper.stat()
    assert found.device == running.device != proc.host.device
    assert found.mount_namespace not in (0, proc.host.mount_namespace)
    assert found.pid_namespace not in (0, proc.host.pid_namespace)
    assert found.trees == ((upper.st_dev, upper.st_ino),)
    assert found.first == running.pid
    assert found.cgroup == running.cgroup.folder.stat().st_ino
    assert [each.id for each in proc.containers(running.pid)] == [running.id]
    assert running.pid in set(proc.pids())


def test_a_process_of_the_host(proc: roots.Proc) -> None:
    """Has no namespaces and no cgroup of its own to tell of."""
    found = proc.root(os.getpid())
    assert (found.device, found.mount_namespace, found.pid_namespace) == (proc.host.device, 0, 0)


def test_when_a_process_has_started(proc: roots.Proc) -> None:
    """This one before now, and its parent not after it."""
    own, parent = proc.started(os.getpid()), proc.started(os.getppid())
    assert own is not None
    assert own < time.time_ns()
    assert parent is None or parent <= own
    assert proc.started(0) is None


def test_a_process_that_is_gone(proc: roots.Proc) -> None:
    """One kind of error for every question."""
    for question in (proc.root, proc.device, proc.containers):
        with pytest.raises(OSError, match="No such file"):
            question(2**22 + 1)


def test_an_upper_directory_that_is_gone(running: container.Container, proc: roots.Proc) -> None:
    """Or that is not to be seen from here: no tree, the rest stays."""
    elsewhere = roots.Host(proc.host.device, proc.host.mount_namespace, proc.host.pid_namespace, Path("/nowhere"))
    assert roots.Proc(elsewhere).root(running.pid).trees == ()
