"""Who judges on a running node: podseal's own rules (`detections`), and rules that were given; both may change.

In: a `reload.Request` and events. Out: alerts; lines of the log on what a reload brought; counts for metrics and the
page. Called by `commands.run` and `node`: `judge` is the pipeline's last stage, `between` is called between two groups
of events, `ask` by SIGHUP.
"""

import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runtime_monitor import reload
from runtime_monitor.alerts import Alert
from runtime_monitor.events import Event
from runtime_monitor.kernel import open_filter
from runtime_monitor.rules.engine import Engine
from runtime_monitor.rules.program import Program

LOOK_SECONDS = 1.0
"""Between two looks at the rules files."""
MOST_SHOWN = 20
"""Kinds of differences between old and new rules that the log shows."""
log = logging.getLogger("podseal.rules")
Renew = Callable[[], reload.Request | None]


class RulesError(Exception):
    """Rules that cannot be loaded at the start; the text says where and why."""


@dataclass(frozen=True)
class Clocks:
    """`monotonic` in seconds, for the looks at the files; `epoch` in seconds of the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time


def own_rules() -> Engine:
    """Podseal's own rules as they are without any file; the first that fits an event counts."""
    program = reload.answer(reload.Request(())).program
    if program is None:
        raise RulesError("podseal's own rules are broken: this installation is incomplete")
    return Engine(program)


class Ruling:
    """The judges of one node: podseal's own rules, as the files may have changed them, and those of the files.

    `renew` gives the rules that are wanted when they are loaded anew, None for those that were.
    """

    def __init__(
        self, reloader: reload.Reloader, *, watch: bool = True, renew: Renew = lambda: None, clocks: Clocks = Clocks()
    ) -> None:
        self._reloader = reloader
        self._watch = watch
        self._renew = renew
        self._clocks = clocks
        self._next_look = 0.0
        self._asked = False
        self._ended: list[reload.Outcome] = []
        self._reloads = self._failed = 0
        self._loaded = clocks.epoch()
        self._stale = False

    @classmethod
    def of(cls, request: reload.Request, *, watch: bool = True, renew: Renew = lambda: None) -> "Ruling":
        """Load the rules once, before the first event.

        Raises:
            RulesError: they have errors.
        """
        reply = reload.answer(request)
        if reply.program is None:
            raise RulesError("\n".join(str(problem) for problem in reply.problems if problem.severity == "error"))
        for problem in reply.problems:
            log.warning("%s", problem)
        if request.files:
            log.info("%s", _counted(reply.program))
        ruling = cls(reload.Reloader(request, reply.program), watch=watch and bool(request.files), renew=renew)
        ruling._tell_of_kernel()
        return ruling

    @property
    def event_types(self) -> frozenset[str]:
        """What the rules in force ask the kernel for."""
        return frozenset(self._reloader.program.pushdown)

    @property
    def opens(self) -> open_filter.Tables:
        """By which the kernel tells opens."""
        return self._reloader.opens

    def follow(self, kernel: reload.Kernel) -> None:
        """The kernel's programs, which tell what `event_types` and `opens` say."""
        self._reloader.follow(kernel)

    def judge(self, event: Event) -> Sequence[Alert]:
        """What podseal's own rules say, and the given ones.

        What reloads goes on between any two events: a group of them takes tens of milliseconds, and is written to disk.
        """
        if self._reloader.reloading:
            self._go_on(event)
        return self._reloader.judge(event)

    def ask(self) -> None:
        """Rules are to be loaded anew; safe in the handler of a signal."""
        self._asked = True

    def counted(self) -> Mapping[str, float]:
        """Reloads by what became of them."""
        return {"done": self._reloads, "failed": self._failed}

    def gauged(self) -> Mapping[str, float]:
        """What is in force now (`metrics.GAUGES`)."""
        engine = self._reloader.engine
        return {
            "rules": len(engine.rules) - len(engine.disabled),
            "rules_disabled": len(engine.disabled),
            "rules_stale": float(self._stale),
            "rules_loaded_timestamp_seconds": self._loaded,
            "opens_widened": len(self.opens.widened),
        }

    def between(self) -> None:
        """A look at the files once a second, one short step of what reloads, and what came of it into the log."""
        now = self._clocks.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._asked = self._asked or (self._watch and self._reloader.changed())
        if self._asked:
            self._asked = False
            self._reloader.request(self._renew())
        self._go_on(None)
        while self._ended:
            self._tell(self._ended.pop(0))

    def close(self) -> None:
        """Give up what is being compiled."""
        self._reloader.close()

    def _go_on(self, upcoming: Event | None) -> None:
        outcome = self._reloader.poll(upcoming)
        if outcome is None:
            return
        self._ended.append(outcome)
        self._stale = not outcome.swapped
        if outcome.swapped:
            self._reloads += 1
            self._loaded = self._clocks.epoch()
        else:
            self._failed += 1

    def _tell(self, outcome: reload.Outcome) -> None:
        for problem in outcome.problems:
            (log.error if problem.severity == "error" else log.warning)("%s", problem)
        if not outcome.swapped:
            log.error("the rules stay as they were: the files above are broken")
            return
        gap = "no event came just then" if outcome.gap is None else f"{outcome.gap * 1000:.3f} ms between two events"
        in_force = _counted(self._reloader.program)
        log.info("%s, loaded anew: %s, %.3f ms for the longest step", in_force, gap, outcome.held * 1000)
        self._tell_of_kernel()
        for line in itertools.islice(differing(outcome), MOST_SHOWN):
            log.info("%s", line)

    def _tell_of_kernel(self) -> None:
        for line in self.opens.widened:
            log.warning("the kernel tells more opens than the rules demand: %s", line)


def differing(outcome: reload.Outcome) -> list[str]:
    """A line for each way in which the rules differ on recent events, the most frequent first, with its last event."""
    kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Event]] = {}
    for each in outcome.differences:
        kinds.setdefault((each.before, each.after), []).append(each.event)
    lines = []
    for (before, after), events in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        fired, now = (", ".join(names) or "nothing" for names in (before, after))
        lines.append(
            f"{len(events)} of the last {outcome.compared} events: fired {fired}, now {now}; {described(events[-1])}"
        )
    return lines


def described(event: Event) -> str:
    """An event in a few words for a person: what was done to what, by whom, where, and its id."""
    where = event.pod.name or event.container.name or event.container.id
    words = [f"the last: {event.evt.type}", ascii(event.fd.name)[1:-1] if event.fd.name else ""]
    words += [f"by {ascii(event.proc.name)[1:-1]}" if event.proc.name else "", f"in {where}" if where else ""]
    return " ".join(filter(None, words)) + f", event {event.id}"


def _counted(program: Program) -> str:
    return f"{len(program.rules) - program.own} rules in force beside {program.own} of podseal's own"
