"""Writes by other ways of calling the kernel: 32-bit calls, io_uring."""

import errno
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_monitor.selftest import elf, entry, uring
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.container import VOLUME
from runtime_monitor.selftest.stage import HOME, Stage

WRITE = {"drift.kind": "write", "fd.path_source": "object"}


def _run_assembled(stage: Stage, name: str, bits: int) -> Mapping[str, Any]:
    """Put the program into the volume, so that the file which it creates is the only change of the root, and run it."""
    if platform.machine() != "x86_64":
        raise entry.NotHereError("32-bit x86 calls exist on x86 only")
    program = f"{VOLUME}/{name}"

    def drop() -> None:
        Path(program).write_bytes(elf.opens_by_int80(f"{HOME}/{name}", bits))
        Path(program).chmod(0o755)

    stage.call(drop)
    result = stage.execute(program)
    if result.status != 0:
        raise entry.NotHereError(
            f"the kernel refuses 32-bit calls: {result.output.decode(errors='replace') or result.status}"
        )
    return {"proc.pid": result.pid}


@behaviour({**WRITE, "fd.name": f"{HOME}/by-i386"})
def i386_program(stage: Stage) -> Mapping[str, Any]:
    """A static 32-bit program creates a file."""
    return _run_assembled(stage, "by-i386", 32)


@behaviour({**WRITE, "fd.name": f"{HOME}/by-int80"})
def int80_from_64_bit_code(stage: Stage) -> Mapping[str, Any]:
    """A 64-bit program creates a file by `int 0x80`."""
    return _run_assembled(stage, "by-int80", 64)


def _ring() -> uring.Ring:
    try:
        return uring.Ring()
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            raise entry.NotHereError(
                "io_uring is switched off: kernel.io_uring_disabled, or a kernel without it"
            ) from error
        raise


@behaviour({"drift.kind": "write", "fd.name": f"{HOME}/by-uring"})
def io_uring_open(stage: Stage) -> None:
    """A file is created by IORING_OP_OPENAT."""
    stage.call(lambda: _ring().open(f"{HOME}/by-uring", os.O_CREAT | os.O_WRONLY))


@behaviour({"drift.kind": "write", "fd.name": f"{HOME}/written-by-uring"}, image=("written-by-uring",))
def io_uring_write(stage: Stage) -> Mapping[str, Any]:
    """IORING_OP_WRITE on a descriptor that another process opened."""
    descriptor = os.open(stage.container.root / f"{HOME}/written-by-uring".lstrip("/"), os.O_WRONLY)
    try:
        inside = stage.call(lambda: _ring().write(descriptor, b"changed"), stage.inheriting(descriptor))
    finally:
        os.close(descriptor)
    return {"proc.pid": inside.pid}
