"""Events that wait for their container: in order, not for ever, not without bound."""

from typing import Any

import msgspec
import pytest

from runtime_monitor import waiting
from runtime_monitor.events import Event, File
from tests.runtime_monitor import made

GO, WAIT, DROP = waiting.Answer.GO, waiting.Answer.WAIT, waiting.Answer.DROP


class Answers:
    """Says of each root what a test sets."""

    def __init__(self, **answers: waiting.Answer) -> None:
        self.by_root: dict[int, waiting.Answer] = {int(root[1:]): answer for root, answer in answers.items()}

    def __call__(self, event: Event) -> waiting.Answer:
        """The answer for the event's root."""
        return self.by_root[event.fd.root or 0]


def event(root: int | None, sequence: int = 1, **more: Any) -> Event:  # noqa: ANN401 -- parts of an Event
    """An event in a root."""
    return made.event(sequence=sequence, fd=File(root=root), **more)


def numbers(events: Any) -> list[int | None]:  # noqa: ANN401 -- an iterator of Events
    """The sequence numbers of events."""
    return [each.evt.sequence for each in events]


def test_what_is_known_goes_on_at_once() -> None:
    """And so does what belongs to no container."""
    queue = waiting.Waiting(Answers(_7=GO))
    assert numbers(queue.add(event(7), 0)) == [1]
    assert numbers(queue.add(event(None, 2), 0)) == [2]
    assert queue.counts.length == 0


def test_one_container_waits_in_order_and_others_do_not() -> None:
    """Once the first is waiting, its followers wait behind it, even if they could go."""
    answers = Answers(_7=WAIT, _8=GO)
    queue = waiting.Waiting(answers)
    assert numbers(queue.add(event(7, 1), 0)) == []
    answers.by_root[7] = GO
    assert numbers(queue.add(event(7, 2), 0)) == []
    assert numbers(queue.add(event(8, 3), 0)) == [3]
    assert numbers(queue.due(0)) == [1, 2]
    assert msgspec.structs.asdict(queue.counts) == {"length": 0, "late": 0, "overflowed": 0, "dropped": 0}


def test_nothing_waits_longer_than_its_patience() -> None:
    """One by one, each at its own time, and counted."""
    queue = waiting.Waiting(Answers(_7=WAIT))
    list(queue.add(event(7, 1), 0))
    list(queue.add(event(7, 2), 5))
    assert numbers(queue.due(waiting.PATIENCE - 1)) == []
    assert numbers(queue.due(waiting.PATIENCE)) == [1]
    assert numbers(queue.due(waiting.PATIENCE + 5)) == [2]
    assert queue.counts.late == 2


def test_what_turns_out_to_be_no_container_is_dropped() -> None:
    """Both what waits and what comes, counted."""
    answers = Answers(_7=WAIT)
    queue = waiting.Waiting(answers)
    list(queue.add(event(7, 1), 0))
    list(queue.add(event(7, 2), 0))
    answers.by_root[7] = DROP
    assert numbers(queue.due(0)) == []
    assert numbers(queue.add(event(7, 3), 0)) == []
    assert (queue.counts.dropped, queue.counts.length) == (3, 0)


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound an event goes on as it is: late metadata is better than no event."""
    monkeypatch.setattr(waiting, "MOST", 2)
    queue = waiting.Waiting(Answers(_7=WAIT))
    for number in (1, 2):
        assert numbers(queue.add(event(7, number), 0)) == []
    assert numbers(queue.add(event(7, 3), 0)) == [3]
    assert queue.counts.overflowed == 1


def test_looks_become_rare_and_events_stop_waiting() -> None:
    """Twice the time after each look in vain; beyond the patience of an event nothing waits for it."""
    attempts, now, looks = waiting.Attempts(), 0, []
    while now < 200 * made.SECOND:
        if attempts.answer(7, now) is None:
            looks.append(attempts.failed(7, now))
        now += waiting.FIRST_DELAY
    assert looks[:7] == [WAIT] * 7
    assert set(looks[7:]) == {GO}
    assert len(looks) < 20
    assert attempts.answer(8, now) is None
    attempts.succeeded(7)
    assert attempts.answer(7, now) is None


def test_attempts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is tried anew."""
    monkeypatch.setattr(waiting, "MOST_ATTEMPTS", 2)
    attempts = waiting.Attempts()
    for root in (1, 2, 3):
        attempts.failed(root, 0)
    assert [attempts.answer(root, 0) for root in (1, 2, 3)] == [None, WAIT, WAIT]
