"""Who judges on a running node: podseal's own rules (`detections`), and rules that were given; both may change.

In: a `reload.Request` and events. Out: alerts; lines of the log on what a reload brought. Called by `commands.run`:
`judge` is the pipeline's last stage, `between` is called between two groups of events, `ask` by SIGHUP.
"""

import logging
import time
from collections.abc import Callable, Sequence

from runtime_monitor import reload
from runtime_monitor.alerts import Alert
from runtime_monitor.events import Event
from runtime_monitor.rules.engine import Engine
from runtime_monitor.rules.program import Program

LOOK_SECONDS = 1.0
"""Between two looks at the rules files."""
MOST_SHOWN = 20
"""Differing events that the log names one by one."""
log = logging.getLogger("podseal.rules")


class RulesError(Exception):
    """Rules that cannot be loaded at the start; the text says where and why."""


def own_rules() -> Engine:
    """Podseal's own rules as they are without any file; the first that fits an event counts."""
    program = reload.answer(reload.Request(())).program
    if program is None:
        raise RulesError("podseal's own rules are broken: this installation is incomplete")
    return Engine(program)


class Ruling:
    """The judges of one node: podseal's own rules, as the files may have changed them, and those of the files."""

    def __init__(
        self, reloader: reload.Reloader, *, watch: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reloader = reloader
        self._watch = watch
        self._clock = clock
        self._next_look = 0.0
        self._asked = False

    @classmethod
    def of(cls, request: reload.Request, *, watch: bool = True) -> "Ruling":
        """Load the rules once, before the first event.

        Raises:
            RulesError: they have errors.
        """
        reply = reload.answer(request)
        if reply.program is None:
            raise RulesError("\n".join(str(problem) for problem in reply.problems if problem.severity == "error"))
        for problem in reply.problems:
            log.warning("%s", problem)
        if request.paths:
            log.info("%s", _counted(reply.program))
        return cls(reload.Reloader(request, reply.program), watch=watch and bool(request.paths))

    def judge(self, event: Event) -> Sequence[Alert]:
        """What podseal's own rules say, and the given ones."""
        return self._reloader.judge(event)

    def ask(self) -> None:
        """Rules are to be loaded anew; safe in the handler of a signal."""
        self._asked = True

    def between(self) -> None:
        """One short step of what reloads, and a look at the files once a second."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._asked = self._asked or (self._watch and self._reloader.changed())
        if self._asked:
            self._asked = False
            self._reloader.request()
        outcome = self._reloader.poll()
        if outcome is not None:
            self._tell(outcome)

    def close(self) -> None:
        """Give up what is being compiled."""
        self._reloader.close()

    def _tell(self, outcome: reload.Outcome) -> None:
        for problem in outcome.problems:
            (log.error if problem.severity == "error" else log.warning)("%s", problem)
        if not outcome.swapped:
            log.error("the rules stay as they were: the files above are broken")
            return
        log.info("%s, loaded anew", _counted(self._reloader.program))
        for each in outcome.differences[:MOST_SHOWN]:
            before, after = (", ".join(names) or "nothing" for names in (each.before, each.after))
            log.info("event %s: fired %s, now %s", each.event, before, after)
        if len(outcome.differences) > MOST_SHOWN:
            log.info("and %d more of the recent events differ", len(outcome.differences) - MOST_SHOWN)


def _counted(program: Program) -> str:
    return f"{len(program.rules) - program.own} rules in force beside {program.own} of podseal's own"
