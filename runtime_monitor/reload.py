"""Other rules without a gap: compiled in another process, linked and swapped between two events.

In: which rules files count, and the events one after the other. Out: their alerts, and after a change an Outcome: what
is in force now, why, and how long events had to wait for it. Called by `ruling`, which calls `changed` now and then,
`request` on a change or SIGHUP, and `poll` between two events. The other process (`compiler`) does all that takes long;
what is left is to link the code, a millisecond for the stock rules. A broken file leaves the rules in force that were.
"""

import collections
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

import msgspec
from msgspec import Struct

from runtime_monitor import frames, rule_files
from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.events import Event
from runtime_monitor.kernel import open_filter
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.open_filter import Tables
from runtime_monitor.rules import ruleset
from runtime_monitor.rules.additions import SUGGESTED, Addition
from runtime_monitor.rules.engine import Engine
from runtime_monitor.rules.problems import Place, Problem
from runtime_monitor.rules.program import Program, build
from runtime_monitor.rules.selection import Selection

REMEMBERED = 500
"""Events on which the verdicts of old and new rules are compared."""
COMPARED = 50
"""Of those at a time: by two sets of rules they take well under a millisecond."""
CHUNK = 1 << 16
PATIENCE = 60.0
"""Seconds that compiling may take: a thousand times what the stock rules need."""


class Request(Struct, frozen=True):
    """Which rules are wanted. `own`: podseal's own rules before the files; the others as in `ruleset.Options`.

    `optional` are files before `paths` that are passed over while they are not there, as those of falco.yaml are;
    `watched` are files that say which rules are wanted, so that a change of theirs is one of the rules.
    """

    paths: tuple[str, ...]
    optional: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    own: bool = True
    fillable: frozenset[str] | None = None
    delivered: frozenset[str] | None = None
    lenient: bool = False
    priority: Priority = Priority.DEBUG
    first: bool = True
    additions: tuple[Addition, ...] = (SUGGESTED,)
    selection: tuple[Selection, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All files on which the rules depend."""
        return self.watched + self.optional + self.paths


class Reply(Struct, frozen=True):
    """What came of it; no program where a problem is an error. `opens`: what the kernel is told of it."""

    problems: tuple[Problem, ...]
    program: Program | None = None
    opens: Tables = open_filter.EVERYTHING


class Difference(Struct, frozen=True):
    """An event that old and new rules judge differently: the names of the rules that fire."""

    event: Event
    before: tuple[str, ...]
    after: tuple[str, ...]


class Outcome(Struct, frozen=True):
    """A reload that has ended. Where `swapped` is False the rules before stay in force.

    `gap`: seconds from the last event under the rules before to the first one under the new, None where no event came
    just then; `held`: the longest that one step of the reload kept events waiting. `compared`: how many recent events
    were looked at for `differences`.
    """

    swapped: bool
    problems: tuple[Problem, ...]
    differences: tuple[Difference, ...] = ()
    compared: int = 0
    gap: float | None = None
    held: float = 0.0


def answer(request: Request) -> Reply:
    """Read, load and compile: what the child does, and what `run` does once before the first event."""
    read = rule_files.read([*rule_files.present(request.optional), *request.paths], own=request.own)
    options = ruleset.Options(
        fillable=request.fillable,
        delivered=request.delivered,
        lenient=request.lenient,
        priority=request.priority,
        additions=request.additions,
        selection=request.selection,
    )
    loaded = ruleset.load(read.sources, options)
    problems = read.problems + loaded.problems
    if read.problems or loaded.errors:
        return Reply(problems)
    program = build(loaded, first=request.first)
    return Reply(problems, program, open_filter.of(program.pushdown))


def answered(data: bytes) -> bytes:
    """A request and its reply as they go through the pipes; called by `compiler`."""
    return msgspec.msgpack.encode(answer(msgspec.msgpack.decode(data, type=Request)))


class Kernel(Protocol):
    """The programs in the kernel, which tell what the rules in force need (`kernel.sensor`)."""

    def prepare(self, opens: Tables) -> Iterator[None]:
        """Take other tables there, in short turns."""

    def widen(self, event_types: AbstractSet[str]) -> int:
        """From now on tell what old and new rules need; this moment, as events tell their time."""

    def narrow(self, event_types: AbstractSet[str], opens: Tables) -> None:
        """From now on tell what the new rules need."""

    @property
    def waiting(self) -> int:
        """How much was told and has not been read."""


class Reloader:
    """The rules in force. `program` is what they were made of, `opens` what of it the kernel goes by."""

    def __init__(self, request: Request, initial: Program, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.program = initial
        self.opens = open_filter.of(initial.pushdown)
        self._next_opens = self.opens
        self._kernel: Kernel | None = None
        self._timing = _Timing(clock)
        self._request = request
        self._engine = Engine(initial)
        self._recent: collections.deque[Event] = collections.deque(maxlen=REMEMBERED)
        self._signature = rule_files.signature(request.files)
        self._steps: Iterator[Outcome | None] | None = None
        self._again = False
        self._upcoming: Event | None = None
        # Where there are no files, nothing will change: then no process waits for it.
        self._compiler = _Compiler() if request.files else None

    def follow(self, kernel: Kernel) -> None:
        """The programs that tell by `opens` and the event types of `program` already, and are to go on with others."""
        self._kernel = kernel

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
        if self._steps is not None:
            self._timing.judges()
        return self._engine.judge(event)

    def changed(self) -> bool:
        """Whether a file has changed since the last request; some system calls, so ask about once a second."""
        return rule_files.signature(self._request.files) != self._signature

    def request(self, wanted: Request | None = None) -> None:
        """Begin a reload, of other rules where some are `wanted`; where one has begun, once more when it has ended."""
        self._request = wanted or self._request
        if self._steps is not None:
            self._again = True
            return
        self._signature = rule_files.signature(self._request.files)
        self._steps = self._reload()

    def poll(self, upcoming: Event | None = None) -> Outcome | None:
        """One short step of a reload, if there is one; its Outcome where it has ended.

        Between two events, the next of which is `upcoming`; None where all that were read have been judged.
        """
        if self._steps is None:
            return None
        self._upcoming = upcoming
        with self._timing.step():
            outcome = next(self._steps)
        if outcome is not None:
            self._steps = None
            outcome = msgspec.structs.replace(outcome, gap=self._timing.gap, held=self._timing.held)
            if self._again:
                self._again = False
                self.request()
        return outcome

    def close(self) -> None:
        """End the process that compiles."""
        self._steps = None
        if self._compiler is not None:
            self._compiler.close()
            self._compiler = None

    def _reload(self) -> Iterator[Outcome | None]:
        """The steps: events are judged between any two of them, by the old rules up to the swap."""
        self._timing.begin()
        self._compiler = self._compiler or _Compiler()
        self._compiler.ask(self._request)
        while (reply := self._compiler.reply()) is None:
            yield None
        if reply.program is None:
            yield Outcome(swapped=False, problems=reply.problems)
            return
        yield None
        after = Engine(reply.program)
        yield None
        yield from self._prepared(reply.opens)
        before = self._engine
        yield from self._widened(reply.program)
        self._swap(after, reply.program)
        self._timing.swapped()
        recent = tuple(self._recent)
        differences: list[Difference] = []
        for start in range(0, len(recent), COMPARED):
            yield None
            differences += _differing(recent[start : start + COMPARED], before, after)
        yield None
        yield Outcome(swapped=True, problems=reply.problems, differences=tuple(differences), compared=len(recent))

    def _prepared(self, opens: Tables) -> Iterator[None]:
        """Take the tables to the kernel; where it has no room for them it will tell every open."""
        self._next_opens = opens
        if self._kernel is None:
            return
        try:
            yield from self._kernel.prepare(opens)
        except KernelError as error:
            self._next_opens = msgspec.structs.replace(open_filter.EVERYTHING, widened=(str(error),))
            yield from self._kernel.prepare(self._next_opens)

    def _widened(self, program: Program) -> Iterator[None]:
        """Let the kernel tell what both need, until an event is next that it has told since.

        What waits in the ring just then was told by what the old rules need, and is theirs to judge.
        """
        if self._kernel is None:
            return
        since = self._kernel.widen(program.pushdown.keys())
        while self._upcoming.evt.time < since if self._upcoming else self._kernel.waiting:
            yield None

    def _swap(self, after: Engine, program: Program) -> None:
        """Between two events other rules judge, and the kernel tells what they need."""
        self._engine, self.program, self.opens = after, program, self._next_opens
        if self._kernel is not None:
            self._kernel.narrow(program.pushdown.keys(), self.opens)


def _differing(events: Sequence[Event], before: Engine, after: Engine) -> Iterator[Difference]:
    for event in events:
        old, new = before.verdict(event), after.verdict(event)
        if old != new:
            yield Difference(event, old, new)


class _Timing:
    """What a reload costs the events, by the clock of the wall."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """A reload begins."""
        self.gap: float | None = None
        self.held = 0.0
        self._last: float | None = None
        self._first_is_next = False

    def swapped(self) -> None:
        """The new rules are in force."""
        self._first_is_next = True

    def judges(self) -> None:
        """An event is about to be judged."""
        now = self._clock()
        if self._first_is_next and self._last is not None:
            self.gap = now - self._last
        self._first_is_next = False
        self._last = now

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """A step, in which no event is judged."""
        start = self._clock()
        yield
        self.held = max(self.held, self._clock() - start)


class _Compiler:
    """The other process, as this one sees it: asked and heard without ever waiting for it."""

    def __init__(self) -> None:
        self._start()
        self._deadline = 0.0

    def ask(self, request: Request) -> None:
        """Send a request; a process that has ended is started anew."""
        message = frames.framed(msgspec.msgpack.encode(request))
        try:
            os.write(self._requests, message)
        except BrokenPipeError:
            self.close()
            self._start()
            os.write(self._requests, message)
        self._deadline = time.monotonic() + PATIENCE

    def reply(self) -> Reply | None:
        """The reply once all of it has come; None until then."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._replies, CHUNK):
                self._heard += data
            return self._ended("ended")
        if (message := frames.take(self._heard)) is not None:
            return _decoded(message)
        if time.monotonic() < self._deadline:
            return None
        return self._ended(f"took more than {PATIENCE:.0f} seconds")

    def close(self) -> None:
        """End it and what it has forked: they have a group of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _start(self) -> None:
        command = [sys.executable, "-m", "runtime_monitor.compiler"]
        self._process = subprocess.Popen(  # noqa: S603 -- our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 -- they are pipes
        self._requests, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._replies, False)
        self._heard = bytearray()

    def _ended(self, how: str) -> Reply:
        self.close()
        self._start()
        return _failed(how)


def _decoded(data: bytes) -> Reply:
    try:
        return msgspec.msgpack.decode(data, type=Reply)
    except msgspec.DecodeError:
        return _failed("failed, see the lines above")


def _failed(what: str) -> Reply:
    message = f"the process that compiles the rules {what}"
    return Reply((Problem("error", "LOAD_ERR_FILE_READ", message, Place("podseal-monitor")),))
