"""Shells by what was executed: names, links, applets, and copies under another name."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from runtime_monitor.enrich import rooted, shells
from runtime_monitor.events import Event, Process
from tests.runtime_monitor import made


def executed(path: str, *argv: str, **proc: object) -> Event:
    """An exec of the file at `path`."""
    plain: dict[str, object] = {"pid": 2**22 + 1, "exepath": path, "exe": argv[0], "arguments": argv[1:]}
    return made.event("execve", proc=Process(**plain | {"exe_on_root": True} | proc))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "event", "shell"),
    [
        ("bash", executed("/usr/bin/bash", "bash"), True),
        ("what sh links to", executed("/usr/bin/dash", "sh"), True),
        ("a shell that calls itself something else", executed("/bin/dash", "nginx: worker"), True),
        ("busybox sh", executed("/bin/busybox", "sh", "-c", "id"), True),
        ("busybox as a login shell", executed("/bin/busybox", "-sh"), True),
        ("busybox by its name", executed("/bin/busybox", "busybox", "sh"), True),
        ("busybox ls", executed("/bin/busybox", "ls"), False),
        ("busybox alone", executed("/bin/busybox", "busybox"), False),
        ("another program that calls itself sh", executed("/usr/bin/python3.11", "sh"), False),
        ("a dropped file whose process has ended", executed("/srv/x", "x", exe_upper_layer=True), False),
    ],
)
def test_a_shell_is_known_by_its_file(reason: str, event: Event, shell: bool) -> None:  # noqa: FBT001 -- a table
    """Not by argv."""
    assert shells.mark(event).drift.shell is shell, reason


def test_other_events_say_nothing_of_shells() -> None:
    """Only an exec tells which file it is."""
    event = made.event("openat")
    assert shells.mark(event) is event


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container's root with a shell and busybox; its processes have ended."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "srv").mkdir()
    shutil.copy("/bin/dash", tmp_path / "bin" / "sh")
    (tmp_path / "bin" / "busybox").write_bytes(b"busybox" * 1000)
    monkeypatch.setattr(rooted, "open_root", lambda _pid: os.open(tmp_path, os.O_PATH))
    return tmp_path


@pytest.mark.parametrize(
    ("source", "argv", "shell"),
    [
        ("bin/sh", ("kworker",), True),
        ("bin/busybox", ("sh",), True),
        ("bin/busybox", ("ls",), False),
        (None, ("sh",), False),
    ],
)
def test_a_renamed_copy_is_still_a_shell(root: Path, source: str | None, argv: tuple[str, ...], shell: bool) -> None:  # noqa: FBT001 -- a table
    """By its content, where it does not come from the image."""
    target = root / "srv" / "x"
    target.write_bytes((root / source).read_bytes() if source else b"something else")
    event = executed("/srv/x", *argv, exe_upper_layer=True)
    assert shells.mark(event).drift.shell is shell
    # Of an image's own program only the name is asked: to read every program that starts would cost too much.
    own = msgspec.structs.replace(event, proc=msgspec.structs.replace(event.proc, exe_upper_layer=False))
    assert shells.mark(own).drift.shell is False


def test_a_shell_that_has_ended_is_known_through_another_process(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kubectl exec POD -- ./renamed -c id` is over before its event is read; the container still runs."""
    monkeypatch.setattr(rooted, "open_root", lambda pid: os.open(root, os.O_PATH) if pid == os.getpid() else None)
    shutil.copy(root / "bin" / "sh", root / "srv" / "x")
    event = executed("/srv/x", "kworker", exe_upper_layer=True)
    assert shells.mark(event).drift.shell is False
    assert shells.mark(event, inhabitant=os.getpid()).drift.shell is True


def test_a_memory_file_is_read_through_the_process(root: Path) -> None:
    """It has no path; this test's own process stands in for one that runs."""
    shutil.copy(Path("/proc/self/exe").resolve(), root / "bin" / "bash")
    event = executed("/memfd:x", "x", pid=os.getpid(), exe_from_memfd=True)
    assert shells.mark(event).drift.shell is True
