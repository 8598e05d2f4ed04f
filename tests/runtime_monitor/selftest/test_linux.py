"""Calls through libc: results, and refusals with the call's name."""

import errno
import os
import pathlib
import signal

import pytest

from runtime_monitor.selftest import entry, linux


def test_a_call_by_its_number() -> None:
    """The number of getppid is 110 on x86-64, 173 on arm64; arguments are ignored."""
    number = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
    assert linux.syscall("getppid", number) == os.getppid()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: linux.setns(-1, 0), "setns"),
        (lambda: linux.unmount("/nowhere"), "umount /nowhere"),
        (lambda: linux.mount("none", "/nowhere", "tmpfs"), "mount tmpfs on /nowhere"),
        (lambda: linux.syscall("close", {"x86_64": 3, "aarch64": 57}[os.uname().machine], -1), "close"),
    ],
    ids=["setns", "unmount", "mount", "syscall"],
)
def test_a_refusal_names_the_call(call, name: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 -- a lambda
    """And carries the number."""
    with pytest.raises(OSError, match=name) as refusal:
        call()
    assert refusal.value.errno in (errno.EBADF, errno.ENOENT, errno.EPERM)


def test_a_name_is_the_processes() -> None:
    """As /proc tells it."""

    def named() -> None:
        linux.set_name("runc")
        assert pathlib.Path("/proc/self/comm").read_text() == "runc\n"

    entry.outside(named)


def test_a_child_dies_with_its_parent() -> None:
    """The signal asked for is the one that the kernel has noted."""
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        child = os.fork()
        if child == 0:
            linux.die_with_parent(signal.SIGKILL)
            os.write(writing, b"ready")
            signal.pause()
        os.read(reading, 5)
        os._exit(0)
    os.waitpid(middle, 0)
    os.close(writing)
    # The child held the last writing end: its end is the pipe's.
    assert os.read(reading, 1) == b""
    os.close(reading)
