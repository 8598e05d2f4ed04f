"""Scripts that were written: what remembers their names, and which word of a command is one."""

import pytest

from runtime_monitor import events
from runtime_monitor.enrich import scripts

ROOT = 70


def _exec(exepath: str, *arguments: str, script: str | None = None, cwd: str = "/") -> events.Event:
    return events.Event(
        evt=events.Call(type="execve"),
        proc=events.Process(exe=exepath, exepath=exepath, arguments=arguments, script=script, cwd=cwd),
        fd=events.File(root=ROOT),
    )


def _write(name: str, call: str = "openat", root: int = ROOT) -> events.Event:
    return events.Event(
        evt=events.Call(type=call),
        fd=events.File(name=name, root=root),
        drift=events.Drift(kind="write"),
    )


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (_exec("/usr/bin/dash", "/var/x", script="/var/x"), "/var/x"),
        (_exec("/usr/bin/dash", "./x", script="./x", cwd="/var"), "/var/x"),
        (_exec("/bin/sh", "x.sh", cwd="/opt"), "/opt/x.sh"),
        (_exec("/bin/sh", "-e", "/opt/x.sh", "word"), "/opt/x.sh"),
        (_exec("/bin/sh", "-c", "/opt/x.sh"), None),
        (_exec("/bin/bash", "-ec", "true"), None),
        (_exec("/usr/bin/python3.11", "-IS", "/opt/x.py"), "/opt/x.py"),
        (_exec("/usr/bin/python3.11", "-m", "http.server"), None),
        (_exec("/usr/bin/perl", "-e", "print 1"), None),
        (_exec("/bin/busybox", "sh", "/opt/x.sh"), "/opt/x.sh"),
        (_exec("/bin/sh"), None),
        (_exec("/bin/ls", "/var/x"), None),
        (_exec("/usr/bin/python3", "/a/../b/x.py"), "/b/x.py"),
    ],
    ids=[
        "by-its-first-line",
        "relative",
        "relative-argument",
        "after-options",
        "command-instead",
        "command-among-options",
        "python",
        "module-instead",
        "perl-code",
        "applet",
        "no-argument",
        "no-interpreter",
        "dots",
    ],
)
def test_which_word_is_the_script(run: events.Event, path: str | None) -> None:
    """Its absolute path, or none."""
    assert scripts.script_of(run.proc) == path


@pytest.mark.parametrize(
    ("before", "drifts"),
    [
        ([_write("/var/x.sh")], True),
        ([_write("/var/y.sh")], False),
        ([_write("/var/x.sh", root=71)], False),
        ([_write("/var/x.sh", "rename")], True),
        ([_write("/var", "rename")], True),
        ([_write("/var", "chmod")], False),
        ([], False),
    ],
    ids=["written", "another-file", "another-root", "renamed", "its-folder-renamed", "folders-mode", "nothing"],
)
def test_a_script_that_was_written_is_drift(before: list[events.Event], drifts: bool) -> None:  # noqa: FBT001 -- a column
    """Of this root, by this name, or below a name that moved."""
    known = scripts.Scripts()
    for each in before:
        assert known(each) is each
    drift = known(_exec("/bin/sh", "/var/x.sh")).drift
    assert (drift.kind, drift.layer) == (("exec", "upper") if drifts else (None, None))


def test_a_root_that_is_gone_is_forgotten() -> None:
    """Its number is given again."""
    known = scripts.Scripts()
    known(_write("/var/x.sh"))
    known.forget(ROOT)
    assert known(_exec("/bin/sh", "/var/x.sh")).drift.kind is None


def test_a_verdict_of_the_kernel_stays() -> None:
    """A memory file that is an interpreter is told as that."""
    known = scripts.Scripts()
    known(_write("/var/x.sh"))
    run = _exec("/bin/sh", "/var/x.sh")
    from_memory = events.Event(evt=run.evt, proc=run.proc, fd=run.fd, drift=events.Drift(kind="exec", layer="memfd"))
    assert known(from_memory) is from_memory


def test_it_remembers_so_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(scripts, "MOST_NAMES", 2)
    known = scripts.Scripts()
    for name in ("/var/x.sh", "/var/2", "/var/3"):
        known(_write(name))
    assert known(_exec("/bin/sh", "/var/x.sh")).drift.kind is None
