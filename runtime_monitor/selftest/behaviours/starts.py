"""Writes at moments and places where a monitor may not look yet, or no longer."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from runtime_monitor.selftest import linux
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.container import Configuration
from runtime_monitor.selftest.stage import HOME, Stage

ATTEMPT = {"drift.kind": "attempt", "evt.res": "EROFS"}
READ_ONLY = Configuration(read_only=True, image={f"{HOME}/kept": b"of the image"})


@behaviour({"drift.kind": "write", "fd.name": "/first-thing"})
def write_as_the_first_thing_after_start(stage: Stage) -> None:
    """The entry point writes before anybody can have told the sensor that there is a container."""
    with stage.other(Configuration(entrypoint=("/bin/sh", "-c", "echo > /first-thing; read -r line"))) as other:
        other.end()


@behaviour({"drift.kind": "write", "fd.name": "/remounted"})
def write_after_remount(stage: Stage) -> None:
    """A privileged process makes the read-only root writable, then writes."""

    def play() -> None:
        linux.mount("none", "/", flags=linux.MS_REMOUNT | linux.MS_BIND)
        Path("/remounted").write_bytes(b"new")

    with stage.other(READ_ONLY) as other:
        other.call(play)


def _refused(function: Callable[[], object]) -> Callable[[], None]:
    """The function, whose refusal is what is wanted."""

    def play() -> None:
        try:
            function()
        except OSError as error:
            if error.errno == errno.EROFS:
                return
            raise
        raise AssertionError("a read-only root took a write")

    return play


@behaviour({**ATTEMPT, "fd.name": f"{HOME}/new", "fd.path_source": frozenset({"argument", "object"})})
def refused_creation(stage: Stage) -> None:
    """A new file in a read-only root."""
    with stage.other(READ_ONLY) as other:
        other.call(_refused(lambda: os.open(f"{HOME}/new", os.O_CREAT | os.O_WRONLY)))


@behaviour({**ATTEMPT, "fd.name": f"{HOME}/kept"})
def refused_opening(stage: Stage) -> None:
    """A file of a read-only root, opened for writing."""
    with stage.other(READ_ONLY) as other:
        other.call(_refused(lambda: os.open(f"{HOME}/kept", os.O_WRONLY)))


@behaviour({**ATTEMPT, "fd.name": f"{HOME}/kept"})
def refused_unlink(stage: Stage) -> None:
    """A file of a read-only root, deleted in vain."""
    with stage.other(READ_ONLY) as other:
        other.call(_refused(lambda: os.unlink(f"{HOME}/kept")))


@behaviour({**ATTEMPT, "fd.name": f"{HOME}/kept"})
def refused_chmod(stage: Stage) -> None:
    """A file of a read-only root, made executable in vain."""
    with stage.other(READ_ONLY) as other:
        other.call(_refused(lambda: os.chmod(f"{HOME}/kept", 0o755)))


@behaviour({**ATTEMPT, "fd.name": "/new-directory"})
def refused_mkdir(stage: Stage) -> None:
    """A new directory in a read-only root."""
    with stage.other(READ_ONLY) as other:
        other.call(_refused(lambda: os.mkdir("/new-directory")))
