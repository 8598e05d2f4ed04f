"""Writes into the container's root from outside, and through descriptors that come from outside."""

import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_monitor.selftest import entry
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

WRITE = {"drift.kind": "write"}


def _opened_outside(stage: Stage, name: str, flags: int) -> int:
    return os.open(stage.container.root / f"{HOME}/{name}".lstrip("/"), flags)


@behaviour({**WRITE, "fd.name": f"{HOME}/by-the-host"})
def write_through_proc_pid_root(stage: Stage) -> Mapping[str, Any]:
    """The host writes through /proc/PID/root, as `docker cp` does: only the superblock tells whose file it is."""
    path = stage.container.root / f"{HOME}/by-the-host".lstrip("/")
    return {"proc.pid": entry.outside(lambda: path.write_bytes(b"from the host"))}


@behaviour({**WRITE, "fd.name": lambda name: name.endswith(f"{HOME}/in-the-upper-directory")})
def write_into_the_upper_directory(stage: Stage) -> Mapping[str, Any]:
    """The host writes into the overlay's upper directory: the container has the file, under another superblock."""
    path = stage.container.upper / f"{HOME}/in-the-upper-directory".lstrip("/")

    def play() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"from the host")

    return {"proc.pid": entry.outside(play)}


@behaviour({**WRITE, "fd.name": f"{HOME}/inherited"}, image=("inherited",))
def write_to_an_inherited_descriptor(stage: Stage) -> Mapping[str, Any]:
    """A process in the container writes to a descriptor that it never opened."""
    descriptor = _opened_outside(stage, "inherited", os.O_WRONLY)
    try:
        return {"proc.pid": stage.call(lambda: os.write(descriptor, b"changed"), stage.inheriting(descriptor)).pid}
    finally:
        os.close(descriptor)


@behaviour({**WRITE, "fd.name": f"{HOME}/mapped-inherited"}, image=("mapped-inherited",))
def mapping_of_an_inherited_descriptor(stage: Stage) -> Mapping[str, Any]:
    """A process in the container maps a descriptor that it never opened, and changes the file by plain stores."""
    descriptor = _opened_outside(stage, "mapped-inherited", os.O_RDWR)

    def play() -> None:
        with mmap.mmap(descriptor, 4, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as memory:
            memory[0:4] = b"bits"

    try:
        return {"proc.pid": stage.call(play, stage.inheriting(descriptor)).pid}
    finally:
        os.close(descriptor)


@behaviour({**WRITE, "fd.name": f"{HOME}/by-nsenter"})
def write_after_nsenter(stage: Stage) -> Mapping[str, Any]:
    """A process in the host's cgroup, gone into the container's namespaces."""
    return {"proc.pid": stage.call(lambda: Path(f"{HOME}/by-nsenter").write_bytes(b"new"), entry.NSENTER).pid}
