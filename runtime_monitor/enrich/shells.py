"""Whether a process runs a shell, by what the executed file is and not by what the process calls itself.

In: an exec Event; its `proc.exepath` is the file that the kernel opened, so a symbolic link or another argv[0] changes
nothing. Out: the Event with `drift.shell`. Called by the pipeline. A file that is not from the image may be a copy of a
shell under another name: it is compared with the container's own shells, by content.
"""

import hashlib
import os
import posixpath
from typing import Final

import msgspec

from runtime_monitor.enrich import rooted
from runtime_monitor.events import Event, Process

SHELLS: Final = frozenset(
    {"sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "oksh", "pdksh", "fish", "csh", "tcsh", "rbash",
     "yash", "elvish", "nu", "xonsh", "hush", "pwsh"}
)  # fmt: skip
MULTI_CALL: Final = frozenset({"busybox", "toybox"})
"""One program under many names: which it is, argv tells, for the program itself goes by that."""
FOLDERS: Final = ("bin", "usr/bin", "usr/local/bin", "sbin")
COMPARED: Final = 1024 * 1024
"""Bytes that are compared, beside the size."""


class Content(msgspec.Struct, frozen=True):
    """What tells a file from another one of the same name."""

    size: int
    digest: bytes


def mark(event: Event, inhabitant: int | None = None) -> Event:
    """The event of an exec with `drift.shell`; others as they are.

    `inhabitant` is a process of the same container, through which its files are read where the event's own has ended.
    """
    if event.evt.type != "execve" or event.proc.exepath is None:
        return event
    shell = _is_shell(event.proc, inhabitant)
    return msgspec.structs.replace(event, drift=msgspec.structs.replace(event.drift, shell=shell))


def _is_shell(proc: Process, inhabitant: int | None) -> bool:
    name = posixpath.basename(proc.exepath or "")
    if name not in SHELLS | MULTI_CALL and not _from_image(proc):
        name = _original_name(proc, inhabitant) or name
    if name in MULTI_CALL:
        return _applet(proc) in SHELLS
    return name in SHELLS


def _from_image(proc: Process) -> bool:
    return not (proc.exe_upper_layer or proc.exe_from_memfd or proc.exe_deleted or proc.exe_on_root is False)


def _applet(proc: Process) -> str:
    """What a multi-call program is asked to be: `sh`, `-sh` of a login, `busybox sh`."""
    called = posixpath.basename(proc.exe or "").removeprefix("-")
    if called.startswith(tuple(MULTI_CALL)) and proc.arguments:
        called = posixpath.basename(proc.arguments[0])
    return called


def _original_name(proc: Process, inhabitant: int | None) -> str | None:
    """The name of the container's shell or multi-call program that has the same content; None where none has."""
    root = rooted.open_root(proc.pid or 0)
    if root is None and inhabitant is not None:
        root = rooted.open_root(inhabitant)
    if root is None:
        return None
    try:
        executed = _executed(proc, root)
        if executed is None:
            return None
        for folder in FOLDERS:
            for name in sorted(SHELLS | MULTI_CALL):
                path = f"{folder}/{name}"
                status = rooted.identity(root, path)
                if status is not None and status.st_size == executed.size and _content(root, path) == executed:
                    return name
    finally:
        os.close(root)
    return None


def _executed(proc: Process, root: int) -> Content | None:
    """The executed file's content, through the process where it lives: memory files and deleted ones have no path."""
    try:
        descriptor = os.open(f"/proc/{proc.pid}/exe", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return _content(root, proc.exepath or "")
    size = os.fstat(descriptor).st_size
    data = rooted.read_regular(descriptor, COMPARED)
    return None if data is None else Content(size, hashlib.sha256(data).digest())


def _content(root: int, path: str) -> Content | None:
    status, data = rooted.identity(root, path), rooted.read(root, path, COMPARED)
    return None if status is None or data is None else Content(status.st_size, hashlib.sha256(data).digest())
