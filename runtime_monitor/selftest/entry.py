"""The ways into a running container: as a runtime's exec goes, as nsenter goes, and for Python code without any exec.

In: a container, and a program's arguments or a function. Out: a `Result`; the process has ended. Called by the
behaviours through their stage.

`execute` does what runc does for `kubectl exec`: a helper joins the container's cgroup and namespaces, forks (only a
child is in the new pid namespace), and the child executes the program with the helper as its parent. `call` stops short
of the exec, so that a behaviour can be one bare system call.
"""

import contextlib
import fcntl
import os
import pty
import signal
import sys
import termios
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime_monitor.selftest import linux
from runtime_monitor.selftest.container import Container

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
ALL = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWCGROUP

_NOT_HERE = 77
"""The exit status by which a function in the container says that this machine cannot play it."""


class NotHereError(Exception):
    """This machine cannot play the behaviour (no 32-bit calls, io_uring switched off); the text says why."""


class TriggerError(Exception):
    """A behaviour could not be played; the text says where it stopped."""


@dataclass(frozen=True)
class Way:
    """How to go in: by which namespaces, and whether into the container's cgroup (nsenter stays in the host's)."""

    namespaces: int = ALL
    join_cgroup: bool = True
    name: str = "runc"  # of the helper: who puts a process into a container is known by it, too
    inherit: tuple[int, ...] = ()  # descriptors that stay open, beside the standard streams


EXEC = Way()
NSENTER = Way(linux.CLONE_NEWNS | linux.CLONE_NEWPID, join_cgroup=False, name="nsenter")


@dataclass(frozen=True)
class Streams:
    """A program's standard input, or a terminal."""

    stdin: bytes = b""
    terminal: bool = False


@dataclass(frozen=True)
class Result:
    """How it ended. `pid` is the host's number."""

    pid: int
    status: int
    output: bytes


def execute(container: Container, arguments: Sequence[str], streams: Streams | None = None, way: Way = EXEC) -> Result:
    """Run a program in the container and return what it wrote.

    Raises `TriggerError` where the container could not be entered.
    """
    streams = streams or Streams()

    def program() -> None:
        os.execvpe(arguments[0], list(arguments), ENVIRONMENT)

    return _enter(container, program, streams, way)


def call(container: Container, function: Callable[[], object], way: Way = EXEC) -> Result:
    """Run a Python function in the container.

    Raises `TriggerError` with the traceback where the function raised, `NotHereError` where it raised that.
    """
    result = _enter(container, function, Streams(), way)
    if result.status == _NOT_HERE:
        raise NotHereError(result.output.decode(errors="replace").strip())
    if result.status != 0:
        raise TriggerError(result.output.decode(errors="replace").strip() or f"exit status {result.status}")
    return result


def outside(function: Callable[[], object]) -> int:
    """Run a Python function in a process of its own on the host; its pid.

    Raises `TriggerError` where it raised.
    """
    pid = os.fork()
    if pid == 0:
        _finish(function)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        raise TriggerError(f"on the host: exit status {status}")
    return pid


def _enter(container: Container, function: Callable[[], object], streams: Streams, way: Way) -> Result:
    if streams.terminal:
        near, far = pty.openpty()
        inner_stdin, outer_stdin, inner_stdout, outer_stdout = far, near, far, near
    else:
        inner_stdin, outer_stdin = os.pipe()
        outer_stdout, inner_stdout = os.pipe()
    pids, said = os.pipe()
    helper = os.fork()
    if helper == 0:
        for each in {outer_stdin, outer_stdout, pids}:
            os.close(each)
        _finish(lambda: _help(container, function, _Inner(inner_stdin, inner_stdout, said, streams.terminal), way))
    for each in {inner_stdin, inner_stdout, said}:
        os.close(each)
    try:
        _feed(outer_stdin, streams)
        if not streams.terminal:
            os.close(outer_stdin)
        output = _read_all(outer_stdout)
        pid = int(_read_all(pids) or b"0")
    finally:
        with contextlib.suppress(OSError):
            os.close(outer_stdout)
        os.close(pids)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if not pid:
        raise TriggerError(f"could not enter the container: {output.decode(errors='replace').strip()}")
    return Result(pid, status, output)


def _feed(descriptor: int, streams: Streams) -> None:
    view = memoryview(streams.stdin)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            return


def _read_all(descriptor: int) -> bytes:
    """Read to the end; a terminal's end is EIO."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


@dataclass(frozen=True)
class _Inner:
    """The inner ends of the streams, and the pipe on which the helper tells the pid."""

    stdin: int
    stdout: int
    said: int
    terminal: bool


def _help(container: Container, function: Callable[[], object], inner: _Inner, way: Way) -> None:
    """Join, fork, wait: the part of the runtime."""
    linux.set_name(way.name)
    for number, descriptor in enumerate((inner.stdin, inner.stdout, inner.stdout)):
        os.dup2(descriptor, number)
    if way.join_cgroup:
        container.cgroup.join()
    linux.setns(os.pidfd_open(container.pid), way.namespaces)
    pid = os.fork()
    if pid == 0:
        os.close(inner.said)
        _finish(lambda: _run(function, inner, way))
    os.write(inner.said, b"%d" % pid)
    os.close(inner.said)
    # A helper that kept the streams would keep the reader waiting where the program closes its own.
    for number in (0, 1):
        os.close(number)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)


def _run(function: Callable[[], object], inner: _Inner, way: Way) -> None:
    linux.set_name("self-test")  # no runtime any more, but a process of the container
    os.setsid()  # as runc's init does; the terminal of whoever runs the self-test is not the program's
    if inner.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    kept = 3
    for each in sorted(way.inherit):
        os.closerange(kept, each)
        kept = each + 1
    os.closerange(kept, 1024)
    function()


def _finish(function: Callable[[], object]) -> None:
    """Run a function in a forked child and end the child, whatever happens: it never returns into the parent's code."""
    status = 0
    try:
        function()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    except NotHereError as reason:
        os.write(2, str(reason).encode())
        status = _NOT_HERE
    except BaseException:  # noqa: BLE001 -- a KeyboardInterrupt too must not unwind into the parent's frames
        os.write(2, traceback.format_exc(limit=-3).encode())
        status = 1
    finally:
        os._exit(status)


def kill(pid: int) -> None:
    """End a process that a behaviour left running."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
