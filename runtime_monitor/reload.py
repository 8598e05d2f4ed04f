"""Other rules without a gap: compiled in a child process, linked and swapped between two events.

In: which rules files count, and the events one after the other. Out: their alerts, and after a change an Outcome: what
is in force now, and why. Called by `pipeline`, which calls `changed` now and then, `request` on a change or SIGHUP, and
`poll` between two events. The child does all that takes long; what is left is to link the code (a millisecond for the
stock rules). A broken file leaves the rules in force that were.

The child is `python -m runtime_monitor.reload`: a Request on its standard input, a Reply on its output, in MessagePack.
"""

import collections
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from typing import IO

import msgspec
from msgspec import Struct

from runtime_monitor import rule_files
from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.events import Event
from runtime_monitor.rules import ruleset
from runtime_monitor.rules.engine import Engine
from runtime_monitor.rules.problems import Place, Problem
from runtime_monitor.rules.program import Program, build

REMEMBERED = 500
"""Events on which the verdicts of old and new rules are compared."""
PATIENCE = 60.0
"""Seconds that a child may take: a thousand times what the stock rules need."""


class Request(Struct, frozen=True):
    """Which rules are wanted. `own`: podseal's own rules before the files; the others as in `ruleset.Options`."""

    paths: tuple[str, ...]
    own: bool = True
    fillable: frozenset[str] | None = None
    delivered: frozenset[str] | None = None
    lenient: bool = False
    priority: Priority = Priority.DEBUG
    first: bool = True
    append_output: bool = True


class Reply(Struct, frozen=True):
    """What came of it; no program where a problem is an error."""

    problems: tuple[Problem, ...]
    program: Program | None = None


class Difference(Struct, frozen=True):
    """An event that old and new rules judge differently: the names of the rules that fire."""

    event: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Outcome(Struct, frozen=True):
    """A reload that has ended. Where `swapped` is False the rules before stay in force."""

    swapped: bool
    problems: tuple[Problem, ...]
    differences: tuple[Difference, ...] = ()


def answer(request: Request) -> Reply:
    """Read, load and compile: what the child does, and what `run` does once before the first event."""
    read = rule_files.read(request.paths, own=request.own)
    options = ruleset.Options(
        fillable=request.fillable,
        delivered=request.delivered,
        lenient=request.lenient,
        priority=request.priority,
        append_output=request.append_output,
    )
    loaded = ruleset.load(read.sources, options)
    problems = read.problems + loaded.problems
    if read.problems or loaded.errors:
        return Reply(problems)
    return Reply(problems, build(loaded, first=request.first, append_output=request.append_output))


class Reloader:
    """The rules in force. `program` is what they were made of: `program.pushdown` belongs into the kernel's maps."""

    def __init__(self, request: Request, initial: Program) -> None:
        self.program = initial
        self._request = request
        self._engine = Engine(initial)
        self._recent: collections.deque[Event] = collections.deque(maxlen=REMEMBERED)
        self._signature = rule_files.signature(request.paths)
        self._steps: Iterator[Outcome | None] | None = None
        self._again = False

    @property
    def engine(self) -> Engine:
        """The engine in force, for its counters."""
        return self._engine

    @property
    def reloading(self) -> bool:
        """Whether a reload has begun and not ended."""
        return self._steps is not None

    def judge(self, event: Event) -> Sequence[Alert]:
        """The alerts of one event under the rules in force."""
        self._recent.append(event)
        return self._engine.judge(event)

    def changed(self) -> bool:
        """Whether a file has changed since the last request; some system calls, so ask about once a second."""
        return rule_files.signature(self._request.paths) != self._signature

    def request(self) -> None:
        """Begin a reload; where one has begun already, once more when it has ended."""
        if self._steps is not None:
            self._again = True
            return
        self._signature = rule_files.signature(self._request.paths)
        self._steps = self._reload()

    def poll(self) -> Outcome | None:
        """Between two events: one short step of a reload, if there is one; its Outcome where it has ended."""
        if self._steps is None:
            return None
        outcome = next(self._steps)
        if outcome is not None:
            self._steps = None
            if self._again:
                self._again = False
                self.request()
        return outcome

    def close(self) -> None:
        """End the child where one is at work."""
        if isinstance(self._steps, Generator):
            self._steps.close()
        self._steps = None

    def _reload(self) -> Iterator[Outcome | None]:
        """The steps: events are judged between any two of them, by the old rules up to the swap."""
        with contextlib.closing(_Child(self._request)) as child:
            while (reply := child.reply()) is None:
                yield None
        if reply.program is None:
            yield Outcome(swapped=False, problems=reply.problems)
            return
        yield None
        after = Engine(reply.program)
        yield None
        before, self._engine, self.program = self._engine, after, reply.program
        yield None
        yield Outcome(swapped=True, problems=reply.problems, differences=self._differences(before))

    def _differences(self, before: Engine) -> tuple[Difference, ...]:
        found = []
        for event in self._recent:
            old, new = before.verdict(event), self._engine.verdict(event)
            if old != new:
                found.append(Difference(event.id, old, new))
        return tuple(found)


class _Child:
    """One process that compiles; its reply goes to a file, so that it never waits for us, nor we for it."""

    def __init__(self, request: Request) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- `close` closes it
        self._deadline = time.monotonic() + PATIENCE
        command = [sys.executable, "-m", "runtime_monitor.reload"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._output)  # noqa: S603 -- our own
        if self._process.stdin is not None:
            self._process.stdin.write(msgspec.msgpack.encode(request))
            self._process.stdin.close()

    def reply(self) -> Reply | None:
        """The reply once there is one; None while it is at work."""
        code = self._process.poll()
        if code is None:
            if time.monotonic() < self._deadline:
                return None
            return _failed(f"took more than {PATIENCE:.0f} seconds and was ended")
        self._output.seek(0)
        data = self._output.read()
        try:
            return msgspec.msgpack.decode(data, type=Reply)
        except msgspec.DecodeError:
            return _failed(f"ended with status {code} and without a reply")

    def close(self) -> None:
        """Kill it unless it has ended, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()


def _failed(what: str) -> Reply:
    message = f"the process that compiles the rules {what}"
    return Reply((Problem("error", "LOAD_ERR_FILE_READ", message, Place("podseal-monitor")),))


def main() -> None:
    """The child: one Request in, one Reply out."""
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer(request)))


if __name__ == "__main__":
    main()
