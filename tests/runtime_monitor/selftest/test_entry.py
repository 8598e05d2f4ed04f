"""The ways into a container."""

import os
import pathlib

import pytest

from runtime_monitor.selftest import container, entry

pytestmark = pytest.mark.kernel


def test_a_program_reads_and_writes(running: container.Container) -> None:
    """Through pipes."""
    assert entry.execute(running, ["cat"], entry.Streams(b"typed")).output == b"typed"


def test_a_program_has_a_terminal(running: container.Container) -> None:
    """One that controls it, so that /dev/tty opens."""
    result = entry.execute(running, ["sh", "-c", "test -t 0 && echo yes > /dev/tty"], entry.Streams(terminal=True))
    assert (result.output, result.status) == (b"yes\r\n", 0)


def test_an_exec_is_in_the_cgroup_and_an_nsenter_is_not(running: container.Container) -> None:
    """As with runc, and as with nsenter."""

    def folder_of(way: entry.Way) -> str:
        return entry.execute(running, ["readlink", "/proc/self/ns/cgroup"], way=way).output.decode()

    assert folder_of(entry.EXEC) != folder_of(entry.NSENTER)


def test_the_status_is_the_programs(running: container.Container) -> None:
    """Not the helper's."""
    assert entry.execute(running, ["sh", "-c", "exit 7"]).status == 7


def test_the_pid_is_the_hosts(running: container.Container, tmp_path: pathlib.Path) -> None:
    """So that an event's proc.pid can be compared with it."""
    del tmp_path
    inside = entry.execute(running, ["sh", "-c", "echo $$"])
    assert int(inside.output) != inside.pid
    assert inside.pid > 0


def test_a_function_runs_in_the_container(running: container.Container) -> None:
    """And what it raises is told."""
    assert entry.call(running, pathlib.Path("/podseal-volume").stat).status == 0
    with pytest.raises(entry.TriggerError, match="FileNotFoundError"):
        entry.call(running, pathlib.Path("/nowhere").stat)


def test_what_the_machine_lacks_is_told_as_that(running: container.Container) -> None:
    """Out of the child, as the same error."""

    def play() -> None:
        raise entry.NotHereError("no such thing")

    with pytest.raises(entry.NotHereError, match="no such thing"):
        entry.call(running, play)


def test_descriptors_leak_only_by_request(running: container.Container, tmp_path: pathlib.Path) -> None:
    """One that is named stays open; the others do not."""
    with (tmp_path / "file").open("wb") as file:
        number = file.fileno()
        entry.call(running, lambda: os.write(number, b"x"), entry.Way(inherit=(number,)))
        with pytest.raises(entry.TriggerError, match="Bad file descriptor"):
            entry.call(running, lambda: os.write(number, b"x"))
    assert (tmp_path / "file").read_bytes() == b"x"


def test_on_the_host(tmp_path: pathlib.Path) -> None:
    """A process of its own, whose failure is told."""
    assert entry.outside((tmp_path / "file").touch) != os.getpid()
    assert (tmp_path / "file").exists()
    with pytest.raises(entry.TriggerError, match="exit status 1"):
        entry.outside(pathlib.Path("/nowhere").stat)
