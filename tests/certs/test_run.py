"""The loop: when it works, when it waits, how it fails and how it ends. Time here is a list of pauses."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Sequence

import pytest

from certs import authority, errors, model, reconcile, run
from tests.certs.world import START, WISHES

FAILURE = errors.CertsError("Secret x", "no right to get it", "add a rule")
INTERVAL = dt.timedelta(seconds=30)


class Memory:
    """A store that fails for some reads."""

    def __init__(self, failing: int = 0) -> None:
        self.items: reconcile.Items = {}
        self.reads = 0
        self._failing = failing

    def __str__(self) -> str:
        return "Secret x"

    def read(self) -> tuple[reconcile.Items, str]:
        """The items, or the failure."""
        self.reads += 1
        if self.reads <= self._failing:
            raise FAILURE
        return self.items, ""

    def write(self, data: reconcile.Items, version: str) -> None:
        """Replace them."""
        del version
        self.items = data


@dataclasses.dataclass
class Holder:
    """A Lease with a script of answers."""

    answers: list[bool | errors.CertsError]
    released: int = 0

    def hold(self) -> bool:
        """The next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, errors.CertsError):
            raise answer
        return answer

    def release(self) -> None:
        """Count it."""
        self.released += 1


@dataclasses.dataclass
class Played:
    """What came of some passes: the log and the pauses in seconds."""

    lines: list[tuple[str, dict[str, str]]]
    pauses: list[float]

    @property
    def messages(self) -> list[str]:
        """The log without its fields."""
        return [message for message, _ in self.lines]


def play(
    store: Memory,
    passes: int,
    lease: Holder | None = None,
    jitter: Callable[[], float] = lambda: 0.5,
    register: Callable[[], Sequence[errors.CertsError]] = tuple,
) -> Played:
    """Let the loop do some passes."""
    played = Played([], [])

    def pause(seconds: float) -> bool:
        played.pauses.append(seconds)
        return len(played.pauses) == passes

    site = reconcile.Site(store, reconcile.Nowhere(), WISHES, lambda: START, authority)

    def log(message: str, **fields: str) -> None:
        played.lines.append((message, fields))

    run.forever(site, run.Loop(register, lease, INTERVAL, pause, jitter, log))
    return played


def test_steps_are_told_once() -> None:
    """The first pass tells what it made, the next has nothing to tell."""
    played = play(Memory(), passes=3)

    assert played.messages == [
        "works",
        "made an authority",
        "changed to the staged authority, made a serving certificate",
        "stops",
    ]


def test_no_key_is_told() -> None:
    """Whatever is logged, it holds no PEM."""
    assert "BEGIN" not in repr(play(Memory(), passes=2).lines)


def test_failure_is_one_line_and_tried_again_soon() -> None:
    """Back-off doubles, stays below the interval, and ends with the failure."""
    played = play(Memory(failing=7), passes=9)

    assert [fields["cause"] for _, fields in played.lines if fields.get("cause")] == ["no right to get it"] * 7
    assert played.pauses == [0.75, 1.5, 3, 6, 12, 22.5, 22.5, 30, 30]
    assert played.messages[0] == "works"
    assert played.messages[8:] == [
        "made an authority",
        "changed to the staged authority, made a serving certificate",
        "has recovered",
        "stops",
    ]


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_pauses_are_spread(jitter: float) -> None:
    """Replicas started together drift apart; no pause is longer than the interval by more than a fifth."""
    played = play(Memory(failing=1), passes=2, jitter=lambda: jitter)

    assert played.pauses == [pytest.approx(0.5 + jitter / 2), pytest.approx(24 + 12 * jitter)]


def test_who_does_not_hold_the_lease_touches_nothing() -> None:
    """It waits, says so once, and works when it is its turn."""
    store = Memory()
    lease = Holder([False, False, True])
    played = play(store, passes=3, lease=lease)

    assert played.messages[:3] == ["waits, another replica holds the Lease", "works", "made an authority"]
    assert lease.released == 1


def test_failing_lease_does_not_end_the_loop() -> None:
    """The API server is away: the Lease fails like anything else."""
    played = play(Memory(), passes=2, lease=Holder([FAILURE, True]))

    assert played.messages[:2] == ["failed, will be tried again", "works"]


def test_failing_release_does_not_hide_the_end() -> None:
    """SIGTERM while the API server is away: the loop ends, the Lease by itself."""

    class Stuck(Holder):
        def release(self) -> None:
            raise FAILURE

    assert play(Memory(), passes=1, lease=Stuck([True])).messages[-2:] == ["stops", "could not release the Lease"]


def test_webhook_that_does_not_answer_is_asked_soon() -> None:
    """It is told once, asked every other second, and the certificates' passes go on."""
    late = errors.CertsError("webhook x", "connection refused", "start it")
    answers: list[Sequence[errors.CertsError]] = [[late], [late], [late], [], []]
    played = play(Memory(), passes=5, register=lambda: answers.pop(0))

    assert played.messages.count("waits for a webhook") == 1
    assert played.pauses == [2, 2, 2, 30, 30]


def test_nothing_is_registered_without_the_lease() -> None:
    """That is the holder's business."""

    def register() -> Sequence[errors.CertsError]:
        pytest.fail("registers without holding the Lease")

    assert play(Memory(), passes=2, lease=Holder([False, False]), register=register).pauses


def test_one_pass_raises() -> None:
    """`--once` ends with the failure's code instead of trying again."""
    site = reconcile.Site(Memory(failing=1), reconcile.Nowhere(), model.Wishes(), lambda: START, authority)

    with pytest.raises(errors.CertsError, match="no right"):
        run.once(site, lambda *_, **__: None)


def test_backoff_has_an_end() -> None:
    """A failure of weeks overflows nothing."""
    played = play(Memory(failing=3000), passes=3000)

    assert max(itertools.islice(played.pauses, 100, None)) == 22.5
