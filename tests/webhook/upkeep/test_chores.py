"""A chore is done again and again, and its failures end no thread."""

import threading

import pytest
from prometheus_client import CollectorRegistry

from tests import waiting
from webhook import apiserver, metrics
from webhook.upkeep import chores


def failures(figures: metrics.Upkeep) -> float:
    """How many turns have failed."""
    registry = CollectorRegistry()
    registry.register(figures)
    return registry.get_sample_value("podseal_upkeep_failures_total", {"chore": "test"}) or 0.0


def test_it_is_done_until_it_is_stopped() -> None:
    """Turn by turn; after the stop its thread ends."""
    turns: list[int] = []
    chore = chores.Chore("test", 0.001, lambda: turns.append(1), metrics.Upkeep())
    chore.start()
    waiting.until(lambda: len(turns) > 3, "turns")
    chore.stop()
    waiting.until(lambda: not chore._thread.is_alive(), "the end")


@pytest.mark.parametrize("error", [apiserver.Refused(403, "no"), ValueError("odd"), OSError("gone")], ids=repr)
def test_a_failure_is_counted_each_time_and_logged_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Until the reason changes or it has worked in between."""
    outcomes: list[Exception | None] = [error, error, None, error]
    figures = metrics.Upkeep()

    def work() -> None:
        if outcome := outcomes.pop(0):
            raise outcome

    chore = chores.Chore("test", 60, work, figures)
    for _ in range(4):
        chore.turn()
    assert failures(figures) == 3
    assert len(caplog.records) == 2
    assert f"test: {error}" in caplog.text


def test_a_failure_does_not_end_the_thread() -> None:
    """The next turn comes all the same."""
    done = threading.Event()
    outcomes = iter([apiserver.Refused(0, "away")])

    def work() -> None:
        for error in outcomes:
            raise error
        done.set()

    chore = chores.Chore("test", 0.001, work, metrics.Upkeep())
    chore.start()
    assert done.wait(30)
    chore.stop()
