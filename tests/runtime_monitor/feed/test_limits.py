"""What an output is spared."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import limits
from runtime_monitor.feed.filters import Deduplicate, RateLimit
from runtime_monitor.feed.limits import Limits
from tests.runtime_monitor import generated

ALERT = generated.alert(0)
SECOND = 1_000_000_000


def at(seconds: float, alert: Alert = ALERT) -> Alert:
    """The same alert at another time."""
    return msgspec.structs.replace(alert, time=ALERT.time + int(seconds * SECOND))


def test_without_limits_everything_passes() -> None:
    """And nothing is summed up."""
    free = Limits()
    assert all(free.passes(ALERT, 0.0) for _ in range(100))
    assert free.summary(ALERT, 1e9) is None


def test_a_burst_passes_and_then_the_rate() -> None:
    """A bucket of five tokens that is filled twice a second."""
    limited = Limits(RateLimit(per_second=2, burst=5))
    assert [limited.passes(ALERT, 10.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [limited.passes(ALERT, 11.0) for _ in range(3)] == [True, True, False]
    assert limited.held == {ALERT.rule: 3}
    assert limited.held_back == {"rate": 3}


@given(st.lists(st.floats(0, 1000), max_size=60).map(sorted), st.floats(0.1, 20), st.integers(1, 20))
def test_never_more_than_burst_and_rate(moments: Sequence[float], rate: float, burst: int) -> None:
    """However the alerts come, and none is forgotten."""
    limited = Limits(RateLimit(per_second=rate, burst=burst))
    passed = [moment for moment in moments if limited.passes(ALERT, moment)]
    if passed:
        assert len(passed) <= burst + (passed[-1] - passed[0]) * rate + 1e-6
    assert len(passed) + sum(limited.held.values()) == len(moments)


def test_repetitions_within_the_window_are_held_back() -> None:
    """By the alert's own time and key."""
    limited = Limits(deduplicate=Deduplicate(keys=("rule",), seconds=60))
    other = msgspec.structs.replace(ALERT, rule="another")
    assert limited.passes(at(0), 0)
    assert not limited.passes(at(59.9), 0)
    assert limited.passes(at(1, other), 0)
    assert limited.passes(at(60), 0)
    assert not limited.passes(at(119), 0)


def test_a_clock_set_back_begins_a_new_window() -> None:
    """Or an hour of alerts would be silent."""
    limited = Limits(deduplicate=Deduplicate(keys=("rule",), seconds=60))
    assert limited.passes(at(0), 0)
    assert limited.passes(at(-3600), 0)
    assert not limited.passes(at(-3599), 0)
    assert limited.passes(at(0), 0)


def test_the_keys_remembered_are_bounded() -> None:
    """The oldest is forgotten first."""
    limited = Limits(deduplicate=Deduplicate(keys=("rule",), seconds=60))
    for number in range(limits.REMEMBERED + 1):
        assert limited.passes(msgspec.structs.replace(ALERT, rule=str(number)), 0)
    assert limited.passes(msgspec.structs.replace(ALERT, rule="0"), 0)
    assert not limited.passes(msgspec.structs.replace(ALERT, rule=str(limits.REMEMBERED)), 0)


def test_what_was_held_back_is_summed_up_once() -> None:
    """A minute after the first one, with the count of each rule; its id is the same when it is sent again."""
    limited = Limits(RateLimit(per_second=0.001, burst=1))
    for number in range(6):
        limited.passes(generated.alert(number), 100.0)
    last = generated.alert(5)
    assert limited.summary(last, 159.0) is None
    summary = limited.summary(last, 161.0)
    assert summary
    assert summary == limited.summary(last, 162.0)
    assert summary.output.startswith("5 alerts were held back by this output's limits (")
    assert summary.output_fields["podseal.held_back"] == 5
    assert sum(summary.output_fields["podseal.held_back_by_rule"].values()) == 5
    limited.confirm()
    assert limited.summary(last, 1e9) is None
