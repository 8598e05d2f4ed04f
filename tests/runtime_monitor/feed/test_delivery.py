"""One output's way through the spool, with real receivers."""

import logging
import pathlib
import random
import threading
from collections.abc import Iterator, Sequence

import pytest

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import delivery as module
from runtime_monitor.feed import limits, output
from runtime_monitor.feed.cursors import Cursors
from runtime_monitor.feed.delivery import Context, Delivery
from runtime_monitor.feed.filters import Filter, RateLimit
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.writer import Settings as SpoolSettings
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(40))


class Recorder:
    """An output that takes what `refuse` lets pass."""

    batch = 8

    def __init__(self) -> None:
        self.taken: list[Alert] = []
        self.refusals: list[Exception] = []
        self.poison: frozenset[str] = frozenset()
        self.closed = threading.Event()

    def send(self, alerts: Sequence[Alert]) -> None:
        """Take or refuse."""
        if self.refusals:
            raise self.refusals.pop(0)
        if self.poison & {alert.id for alert in alerts}:
            raise output.RejectedError("HTTP 400")
        self.taken += alerts

    def close(self) -> None:
        """Remember it."""
        self.closed.set()


class RecorderSettings(output.Settings, frozen=True, kw_only=True):
    """Opens one recorder, given beforehand."""

    recorder: object = None

    def open(self) -> output.Output:
        """The recorder."""
        assert isinstance(self.recorder, Recorder)
        return self.recorder


class Stage:
    """A spool, and deliveries from it that come and go."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.spool = folder / "spool.db"
        self.writer = Writer(self.spool)
        self.cursors = Cursors(folder / "cursors.db")
        self.watch = Watch(self.spool)
        self.metrics = Metrics()
        self.watch.start()
        self.deliveries: list[Delivery] = []

    def deliver(self, recorder: Recorder, **settings: object) -> Delivery:
        """Start a delivery to a recorder."""
        context = Context(self.spool, self.cursors, self.watch, self.metrics, random.Random(1))  # noqa: S311 -- jitter
        made = Delivery(RecorderSettings(**{"name": "out", "recorder": recorder, **settings}), context)  # type: ignore[arg-type]
        self.deliveries.append(made)
        made.start()
        return made

    def count(self, name: str) -> float:
        """A counter of the output `out`."""
        return self.metrics.registry.get_sample_value(f"podseal_feed_{name}", {"output": "out"}) or 0.0

    def close(self) -> None:
        """End everything."""
        for each in self.deliveries:
            each.stop(20)
        self.watch.stop()
        self.cursors.close()
        self.writer.close()


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """With pauses of a test's length."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.05)
    made = Stage(tmp_path)
    yield made
    made.close()


def test_everything_arrives_in_order_and_goes_on_after_a_restart(stage: Stage) -> None:
    """Each position is kept: nothing twice, nothing lost."""
    recorder = Recorder()
    stage.writer.append(ALERTS[:20])
    first = stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 20, "the first alerts")
    first.stop(20)
    assert recorder.closed.is_set()
    stage.writer.append(ALERTS[20:])
    stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 40, "the others")
    assert recorder.taken == ALERTS
    assert stage.count("delivered_total") == 40


def test_an_unavailable_receiver_gets_everything_later(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, not at each attempt."""
    caplog.set_level(logging.INFO)
    recorder = Recorder()
    recorder.refusals = [*(output.UnavailableError("down") for _ in range(5)), output.UnavailableError("busy", 0.0)]
    stage.writer.append(ALERTS)
    stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 40, "all alerts")
    assert recorder.taken == ALERTS
    assert stage.count("failures_total") == 6
    assert caplog.text.count("it is tried again until it is taken") == 1
    assert "works again after 6 attempts" in caplog.text


def test_one_alert_that_is_refused_for_good_stops_no_other(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The group is sent one by one, the culprit named and counted."""
    recorder = Recorder()
    recorder.poison = frozenset({ALERTS[5].id})
    stage.writer.append(ALERTS)
    stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 39, "the others")
    assert recorder.taken == ALERTS[:5] + ALERTS[6:]
    assert stage.count("rejected_total") == 1
    assert ALERTS[5].id in caplog.text


def test_a_dead_output_delays_no_other(stage: Stage) -> None:
    """A thread and a position for each."""
    stuck, alive = Recorder(), Recorder()
    stuck.refusals = [output.UnavailableError("down", 60.0) for _ in range(100)]
    stage.deliver(stuck, name="stuck")
    stage.deliver(alive)
    stage.writer.append(ALERTS)
    waiting.until(lambda: len(alive.taken) == 40, "the alerts of the other one")
    assert not stuck.taken


def test_filters_and_limits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held back is summed up, also after a restart in between."""
    monkeypatch.setattr(limits, "SUMMARY_SECONDS", 3600.0)
    recorder = Recorder()
    stage.writer.append(ALERTS)
    wanted = [alert for alert in ALERTS if Filter(priority="warning").passes(alert)]
    settings = {"filter": Filter(priority="warning"), "limit": RateLimit(per_second=0.0001, burst=3)}
    first = stage.deliver(recorder, **settings)
    waiting.until(lambda: stage.count("filtered_total") == len(ALERTS) - len(wanted), "all to be judged")
    first.stop(20)
    assert recorder.taken == wanted[:3]
    monkeypatch.setattr(limits, "SUMMARY_SECONDS", 0.0)
    stage.deliver(recorder, **settings)
    stage.writer.append(generated.stream(60, start=40))
    waiting.until(lambda: any(alert.rule == limits.SUMMARY_RULE for alert in recorder.taken), "the summary")
    total = [alert for alert in generated.stream(100) if Filter(priority="warning").passes(alert)]
    passed = [alert for alert in recorder.taken if alert.rule != limits.SUMMARY_RULE]
    summaries = [alert.output_fields["podseal.held_back"] for alert in recorder.taken if alert not in passed]
    assert sum(summaries) + len(passed) == len(total)


def test_what_gave_way_unread_is_counted(
    stage: Stage, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And told; a position outlives the writer's runs."""
    recorder = Recorder()
    stage.writer.append(ALERTS)
    first = stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 40, "the first alerts")
    first.stop(20)
    stage.writer.close()
    stage.writer = Writer(tmp_path / "spool.db", SpoolSettings(max_bytes=150_000))
    for start in range(40, 400, 20):
        stage.writer.append(generated.stream(20, start=start))
    stage.deliver(recorder)
    waiting.until(lambda: stage.count("missed_total") > 0, "the loss to be counted")
    waiting.until(lambda: stage.count("missed_total") + len(recorder.taken) == 400, "the rest")
    assert "gave way in the full spool before they were delivered" in caplog.text


def test_another_spool_is_begun_at_its_oldest_alert(stage: Stage, tmp_path: pathlib.Path) -> None:
    """A number of the former one means nothing."""
    recorder = Recorder()
    stage.writer.append(ALERTS)
    stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 40, "the alerts of the first spool")
    stage.writer.close()
    for path in tmp_path.glob("spool.db*"):
        path.unlink()
    stage.writer = Writer(tmp_path / "spool.db")
    stage.writer.append(generated.stream(5, start=900))
    waiting.until(lambda: len(recorder.taken) == 45, "those of the second one")
    assert recorder.taken[40:] == list(generated.stream(5, start=900))


def test_an_output_may_begin_at_the_newest(stage: Stage) -> None:
    """Without the history."""
    stage.writer.append(ALERTS[:30])
    recorder = Recorder()
    stage.deliver(recorder, start="newest")
    waiting.until(lambda: stage.deliveries[0]._position is not None, "it to be placed")
    stage.writer.append(ALERTS[30:])
    waiting.until(lambda: len(recorder.taken) == 10, "the new ones")
    assert recorder.taken == ALERTS[30:]


def test_a_fault_of_ours_and_a_damaged_row_end_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged whole, and the delivery goes on."""
    recorder = Recorder()
    recorder.refusals = [ZeroDivisionError("a bug")]
    stage.writer.append(ALERTS[:3])
    stage.writer._connection.execute("UPDATE alert SET body = 'x' WHERE id = ?", (ALERTS[1].id,))
    stage.deliver(recorder)
    waiting.until(lambda: len(recorder.taken) == 2, "those that are whole")
    assert "a fault of ours" in caplog.text
    assert stage.count("unreadable_total") >= 1
