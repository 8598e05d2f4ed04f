"""Starts, stops and finds the programs of a bed, also those that an earlier process started.

In: an argv, a log file, the bed's folder. Out: a `ProcessId`, which stays valid when the starter is gone.
Every program carries the bed's folder in its environment, and so do the programs that it starts (containerd's shims,
runc, network plugins): that is how teardown finds exactly those, and nobody else's.
"""

import collections.abc
import contextlib
import dataclasses
import os
import pathlib
import select
import signal

from tests.cluster import waiting

MARK = "PODSEAL_BED"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROC = pathlib.Path("/proc")


@dataclasses.dataclass(frozen=True)
class ProcessId:
    """A process told apart from a later one with the same number by its start, in clock ticks after boot."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Say whether it still runs; a zombie does not."""
        seen = _state_and_start(self.pid)
        return seen is not None and seen[0] not in "ZX" and seen[1] == self.started


def identify(pid: int) -> ProcessId:
    """Return the identity of a process that runs now.

    Raises:
        ProcessLookupError: there is none with this number.
    """
    seen = _state_and_start(pid)
    if seen is None:
        raise ProcessLookupError(pid)
    return ProcessId(pid, seen[1])


def _state_and_start(pid: int) -> tuple[str, int] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name stands in parentheses and may hold any character; state is field 3, start time field 22.
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])


def start(argv: collections.abc.Sequence[str], log: pathlib.Path, bed: pathlib.Path) -> ProcessId:
    """Start `argv` in a session of its own, with its output appended to `log`, marked as a part of `bed`.

    A session of its own keeps the terminal's Ctrl-C away from it: teardown ends the parts in their order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        {"PATH": _PATH, MARK: str(bed)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return identify(pid)


def stop(process: ProcessId, sent: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> None:
    """End a process and wait until it is gone; after `seconds` it is killed."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        # Compared after the descriptor is open: from here on the number cannot pass to another process.
        if process.alive():
            for each in (sent, signal.SIGKILL):
                signal.pidfd_send_signal(descriptor, each)
                if select.select([descriptor], [], [], seconds)[0]:
                    break
    finally:
        os.close(descriptor)
        with contextlib.suppress(ChildProcessError):  # only the starter can, and need, collect the exit status
            os.waitpid(process.pid, os.WNOHANG)


def marked(bed: pathlib.Path) -> list[ProcessId]:
    """Return the running processes that were started for `bed`, by whomever."""
    return [process for process, folder in all_marked().items() if folder == bed]


def all_marked() -> dict[ProcessId, pathlib.Path]:
    """Return the running processes of all beds on this machine, each with its bed's folder."""
    return {
        process: pathlib.Path(environment[MARK])
        for process, environment in _environments()
        if MARK in environment and process.alive()
    }


def foreign(name: str) -> list[ProcessId]:
    """Return the running processes with this name that belong to no bed."""
    found = []
    for process, environment in _environments():
        with contextlib.suppress(OSError):
            if MARK not in environment and (_PROC / str(process.pid) / "comm").read_text().strip() == name:
                found.append(process)
    return found


def _environments() -> collections.abc.Iterator[tuple[ProcessId, dict[str, str]]]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                entries = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
                yield identify(int(folder.name)), dict(entry.split("=", 1) for entry in entries if "=" in entry)


def kill_all(running: collections.abc.Callable[[], list[ProcessId]], what: str) -> None:
    """Kill what `running` returns, again and again until it returns nothing: a dying parent may still have forked.

    Raises:
        TimeoutError: something survived SIGKILL for 30 seconds.
    """

    def none_left() -> bool:
        left = running()
        for process in left:
            stop(process, signal.SIGKILL, seconds=5.0)
        return not left

    waiting.until(none_left, f"the end of {what}")
