"""Drift: what is executed in the container was not in its image."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_monitor.selftest import entry
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.container import VOLUME
from runtime_monitor.selftest.stage import HOME, Stage

DRIFT = {"evt.type": "execve", "drift.kind": "exec"}
PROGRAM = os.path.realpath("/bin/true")


@behaviour({**DRIFT, "drift.layer": "upper"})
def dropped_program(stage: Stage) -> Mapping[str, Any]:
    """A program that was written into the root file system."""
    path = f"{HOME}/dropped"
    stage.call(lambda: shutil.copy(PROGRAM, path))
    return {"proc.pid": stage.execute(path).pid}


@behaviour({**DRIFT, "drift.layer": "upper"})
def dropped_script(stage: Stage) -> Mapping[str, Any]:
    """A script that was written into the root file system, by its first line's interpreter, which the image has."""
    path = f"{HOME}/script"

    def drop() -> None:
        Path(path).write_text("#!/bin/sh\ntrue\n")
        Path(path).chmod(0o755)

    stage.call(drop)
    return {"proc.pid": stage.execute(path).pid}


@behaviour({**DRIFT, "drift.layer": "upper"})
def dropped_script_by_its_interpreter(stage: Stage) -> Mapping[str, Any]:
    """The same with the interpreter named, as `sh FILE`: to the kernel it is a file that the shell reads."""
    path = f"{HOME}/read-script"
    stage.call(lambda: Path(path).write_text("true\n"))
    return {"proc.pid": stage.execute("sh", path).pid}


@behaviour({**DRIFT, "drift.layer": "memfd"})
def program_from_memory(stage: Stage) -> Mapping[str, Any]:
    """A program in a memfd: it has no file anywhere."""

    def play() -> None:
        memory = os.memfd_create("podseal")
        os.write(memory, Path(PROGRAM).read_bytes())
        os.execve(memory, [PROGRAM], entry.ENVIRONMENT)

    return {"proc.pid": stage.call(play).pid}


@behaviour({**DRIFT, "drift.layer": "deleted"})
def deleted_program(stage: Stage) -> Mapping[str, Any]:
    """A program that was deleted before it ran."""
    path = f"{HOME}/deleted"

    def play() -> None:
        shutil.copy(PROGRAM, path)
        program = os.open(path, os.O_RDONLY)
        os.unlink(path)
        os.execve(program, [PROGRAM], entry.ENVIRONMENT)

    return {"proc.pid": stage.call(play).pid}


@behaviour({**DRIFT, "drift.layer": "volume"})
def program_on_a_volume(stage: Stage) -> Mapping[str, Any]:
    """A program on a mount that the image does not know."""
    path = f"{VOLUME}/program"
    stage.call(lambda: shutil.copy(PROGRAM, path))
    return {"proc.pid": stage.execute(path).pid}
