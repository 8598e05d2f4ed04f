"""Playing behaviours: an event that comes, one that does not, a behaviour that cannot be played."""

import collections.abc
import typing

import pytest

from runtime_monitor import events
from runtime_monitor.selftest import behaviour, entry, run, stage
from tests.kernel import able
from tests.runtime_monitor.selftest import double

pytestmark = pytest.mark.kernel

MKDIR = events.Event(evt=events.Call(type="mkdir", time=1), fd=events.File(name="/made"))


@pytest.fixture
def source() -> double.Double:
    """A source that the test fills."""
    able.to_make_containers()
    return double.Double()


def _played(
    source: double.Double,
    play: behaviour.Play,
    *seen: collections.abc.Mapping[str, typing.Any],
    patience: float = 0.05,
) -> run.Row:
    made = behaviour.Behaviour("made", "Made.", play, seen)
    (row,) = run.play(source, [made], run.Terms("double", patience))
    return row


def test_an_event_that_fits_is_seen(source: double.Double) -> None:
    """With its latency, and the tier's name."""
    row = _played(source, lambda _: source.events.put(MKDIR), {"evt.type": "mkdir"}, patience=20)
    assert (row.behaviour, row.tier, row.seen, row.detail) == ("made", "double", True, "")
    assert row.latency_ms is not None
    assert row.latency_ms > 0


def test_what_is_known_only_afterwards_is_demanded(source: double.Double) -> None:
    """A field that the behaviour returns, such as its pid."""

    def play(_: stage.Stage) -> dict[str, int]:
        source.events.put(MKDIR)
        return {"proc.pid": 1}

    row = _played(source, play, {"evt.type": "mkdir"})
    assert (row.seen, row.latency_ms) == (False, None)
    assert row.detail == "of 1 events the nearest said proc.pid=None"


def test_every_expected_event_must_come(source: double.Double) -> None:
    """Not only the first."""
    row = _played(source, lambda _: source.events.put(MKDIR), {"evt.type": "mkdir"}, {"evt.type": "rmdir"})
    assert row.seen is False
    assert "evt.type='mkdir'" in row.detail


def test_silence_is_told(source: double.Double) -> None:
    """As such."""
    assert _played(source, lambda _: None, {"evt.type": "mkdir"}).detail == "no event came"


def test_what_this_machine_cannot_play_is_neither_seen_nor_missed(source: double.Double) -> None:
    """And says why."""

    def play(_: stage.Stage) -> None:
        raise entry.NotHereError("no 32-bit calls here")

    row = _played(source, play, {"evt.type": "mkdir"})
    assert (row.seen, row.detail) == (None, "no 32-bit calls here")


def test_a_trigger_that_fails_is_a_failure(source: double.Double) -> None:
    """Never a silent pass."""

    def play(_: stage.Stage) -> None:
        raise entry.TriggerError("stopped short")

    row = _played(source, play, {"evt.type": "mkdir"})
    assert (row.seen, row.detail) == (False, "could not be played: stopped short")


def test_the_container_has_the_files_that_behaviours_need(source: double.Double) -> None:
    """They are of its image."""

    def play(here: stage.Stage) -> None:
        assert (here.container.root / f"{stage.HOME}/needed".lstrip("/")).exists()
        source.events.put(MKDIR)

    made = behaviour.Behaviour("made", "Made.", play, ({"evt.type": "mkdir"},), image=("needed",))
    (row,) = run.play(source, [made], run.Terms("double", 20))
    assert row.seen


def test_an_error_of_the_source_is_raised(source: double.Double) -> None:
    """Where its events are awaited."""

    def play(_: stage.Stage) -> None:
        source.events.put(RuntimeError("the ring is gone"))

    with pytest.raises(RuntimeError, match="the ring is gone"):
        _played(source, play, {"evt.type": "mkdir"}, patience=20)
