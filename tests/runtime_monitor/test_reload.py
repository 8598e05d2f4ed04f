"""Other rules without a gap, by a real child process."""

import os
import signal
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from runtime_monitor import reload
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.open_filter import Tables
from tests import waiting
from tests.runtime_monitor import made
from tests.runtime_monitor.rules import given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A rules file with one rule, on opens of /one."""
    path = tmp_path / "rules.yaml"
    path.write_text(given.rule("one", "evt.type = open and fd.name = /one"))
    return path


@pytest.fixture
def reloader(file: Path) -> Iterator[reload.Reloader]:
    """The rules of the file in force."""
    request = reload.Request((str(file),), own=False)
    reply = reload.answer(request)
    assert reply.program is not None
    reloader = reload.Reloader(request, reply.program)
    yield reloader
    reloader.close()


def _fired(reloader: reload.Reloader, path: str) -> list[str]:
    return [alert.rule for alert in reloader.judge(given.event("open", fd__name=path))]


def _finished(reloader: reload.Reloader) -> reload.Outcome:
    """Poll as the pipeline does; in each step an event is judged, by one of the two sets of rules."""
    found: list[reload.Outcome] = []

    def ended() -> bool:
        assert _fired(reloader, "/one") in (["one"], ["both"])
        outcome = reloader.poll()
        found.extend([outcome] if outcome else [])
        return bool(found)

    waiting.until(ended, "a reload ends", 60)
    return found[0]


def test_new_rules_are_swapped_in_while_events_are_judged(file: Path, reloader: reload.Reloader) -> None:
    """The old ones judge until the new ones are ready; what differs on recent events is told."""
    assert _fired(reloader, "/two") == []
    assert not reloader.changed()
    file.write_text(given.rule("both", "evt.type = open and fd.name in (/one, /two)"))
    assert reloader.changed()
    reloader.request()
    assert not reloader.changed()
    outcome = _finished(reloader)
    assert outcome.swapped
    assert ("/two", (), ("both",)) in [(each.event.fd.name, each.before, each.after) for each in outcome.differences]
    assert outcome.compared >= len(outcome.differences)
    assert outcome.gap is not None
    assert outcome.held > 0
    assert _fired(reloader, "/two") == ["both"]
    assert list(reloader.program.pushdown) == ["open"]


@pytest.mark.parametrize("text", ["- rule: [", "- rule: x", given.rule("x", "evt.type = opne")])
def test_a_broken_file_leaves_the_old_rules_in_force(file: Path, reloader: reload.Reloader, text: str) -> None:
    """And says why, with the place."""
    file.write_text(text)
    reloader.request()
    outcome = _finished(reloader)
    assert not outcome.swapped
    assert outcome.problems[0].severity == "error"
    assert outcome.problems[0].place.file == str(file)
    assert _fired(reloader, "/one") == ["one"]


def test_a_file_that_is_gone_leaves_the_old_rules_in_force(file: Path, reloader: reload.Reloader) -> None:
    """As a broken one does."""
    file.unlink()
    reloader.request()
    assert "No such file" in _finished(reloader).problems[0].message
    assert _fired(reloader, "/one") == ["one"]


def test_what_is_asked_for_during_a_reload_is_done_after_it(file: Path, reloader: reload.Reloader) -> None:
    """Once, however often it was asked for."""
    reloader.request()
    file.write_text(given.rule("both", "evt.type = open and fd.name in (/one, /two)"))
    reloader.request()
    reloader.request()
    _finished(reloader)
    assert reloader.reloading
    _finished(reloader)
    assert _fired(reloader, "/two") == ["both"]
    assert not reloader.reloading


def test_nothing_is_done_unless_it_is_asked_for(reloader: reload.Reloader) -> None:
    """Polls are free."""
    assert reloader.poll() is None


def test_a_reload_can_be_given_up(reloader: reload.Reloader) -> None:
    """The child is ended with it."""
    reloader.request()
    reloader.poll()
    reloader.close()
    assert not reloader.reloading
    assert reloader.poll() is None


def test_a_compiler_that_was_killed_is_started_anew(file: Path, reloader: reload.Reloader) -> None:
    """While idle: the next request has another process. At work: the reload fails, the one after it succeeds."""
    assert reloader._compiler
    os.killpg(reloader._compiler._process.pid, signal.SIGKILL)
    file.write_text(given.rule("both", "evt.type = open and fd.name in (/one, /two)"))
    reloader.request()
    outcome = _finished(reloader)
    if not outcome.swapped:
        # The request went into the pipe before its end was known.
        reloader.request()
        outcome = _finished(reloader)
    assert outcome.swapped
    reloader.request()
    reloader.poll()
    os.killpg(reloader._compiler._process.pid, signal.SIGKILL)
    outcome = _finished(reloader)
    assert not outcome.swapped
    assert "the process that compiles the rules ended" in outcome.problems[0].message
    reloader.request()
    assert _finished(reloader).swapped


class Programs:
    """Stands for the sensor: notes what it is told, and what the rules in force are just then."""

    def __init__(self, reloader: reload.Reloader) -> None:
        self.reloader = reloader
        self.told: list[tuple[str, list[str], list[str]]] = []
        self.is_full = False
        self.waiting = 0

    def prepare(self, opens: Tables) -> Iterator[None]:
        """In two turns."""
        if self.is_full and opens.steps:
            raise KernelError("map steps: No space left on device (errno 28)")
        self._note("prepare", ())
        yield
        self._note("prepared", ())

    def widen(self, event_types: AbstractSet[str]) -> int:
        """Before the swap, at second 100."""
        self._note("widen", event_types)
        return 100 * made.SECOND

    def narrow(self, event_types: AbstractSet[str], opens: Tables) -> None:
        """After it."""
        assert opens == self.reloader.opens
        self._note("narrow", event_types)

    def _note(self, name: str, event_types: Iterable[str]) -> None:
        self.told.append((name, sorted(event_types), [rule.name for rule in self.reloader.program.rules]))


def test_the_kernel_tells_more_before_the_swap_and_less_after_it(file: Path, reloader: reload.Reloader) -> None:
    """The tables are there before; no event is judged between the two."""
    programs = Programs(reloader)
    reloader.follow(programs)
    file.write_text(given.rule("both", "evt.type in (open, openat) and fd.name in (/one, /two)"))
    reloader.request()
    assert _finished(reloader).swapped
    assert programs.told == [
        ("prepare", [], ["one"]),
        ("prepared", [], ["one"]),
        ("widen", ["open", "openat"], ["one"]),
        ("narrow", ["open", "openat"], ["both"]),
    ]


def test_what_was_told_before_is_judged_by_the_old_rules(file: Path, reloader: reload.Reloader) -> None:
    """It was told by what those need: the new ones would miss what they ask for beside it."""
    programs = Programs(reloader)
    programs.waiting = 1
    reloader.follow(programs)
    file.write_text(given.rule("both", "evt.type = open and fd.name in (/one, /two)"))
    reloader.request()

    def widened() -> bool:
        reloader.poll(given.event("open", evt__rawtime=99 * made.SECOND))
        return any(name == "widen" for name, _, _ in programs.told)

    waiting.until(widened, "the kernel tells more", 60)
    for upcoming in (None, given.event("open", evt__rawtime=100 * made.SECOND - 1)):
        reloader.poll(upcoming)
        assert _fired(reloader, "/two") == []
    reloader.poll(given.event("open", evt__rawtime=100 * made.SECOND))
    assert _fired(reloader, "/two") == ["both"]


def test_without_room_in_the_kernel_every_open_is_told(file: Path, reloader: reload.Reloader) -> None:
    """And the reason is told."""
    programs = Programs(reloader)
    programs.is_full = True
    reloader.follow(programs)
    file.write_text(given.rule("both", "evt.type = open and fd.name in (/one, /two)"))
    reloader.request()
    assert _finished(reloader).swapped
    assert reloader.opens.anywhere == reloader.opens.reads == 1
    assert reloader.opens.widened == ("map steps: No space left on device (errno 28)",)


def test_a_broken_file_changes_nothing_in_the_kernel(file: Path, reloader: reload.Reloader) -> None:
    """It goes on telling what the old rules need."""
    programs = Programs(reloader)
    reloader.follow(programs)
    file.write_text("- rule: [")
    reloader.request()
    assert not _finished(reloader).swapped
    assert programs.told == []
