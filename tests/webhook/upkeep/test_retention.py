"""Which ExecSessions go: the old, and the oldest of too many."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from tests.webhook.scan import fake_cluster
from tests.webhook.test_namespaces import client
from webhook import apiserver, metrics, sessions
from webhook.upkeep import retention

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AGES = {"d": 1, "a": 2, "c": 40, "e": 3, "b": 90, "f": 91}
"""Session -> days; the API server lists by name, which says nothing about age."""


def cluster() -> fake_cluster.Cluster:
    """A cluster with these sessions, listed two at a time."""
    made = fake_cluster.Cluster()
    made.page = 2
    created = {name: NOW - timedelta(days=AGES[name], hours=1) for name in sorted(AGES)}
    made.collections[sessions.PATH] = [
        {"metadata": {"name": name, "creationTimestamp": f"{when:%Y-%m-%dT%H:%M:%SZ}"}}
        for name, when in created.items()
    ]
    return made


def deleted(made: fake_cluster.Cluster, limits: retention.Limits, figures: metrics.Upkeep) -> set[str]:
    """What one turn deletes."""
    with fake_cluster.serve(made) as address:
        retention.Retention(client(address), limits, figures, lambda: NOW).work()
    assert all(method == "DELETE" for method, _, _ in made.writes)
    return {path.removeprefix(f"{sessions.PATH}/") for _, path, _ in made.writes}


LIMITS = {
    "no limit": (retention.Limits(0, 0), set[str]()),
    "by age": (retention.Limits(90, 0), {"b", "f"}),
    "by number the oldest go": (retention.Limits(0, 4), {"b", "f"}),
    "by both": (retention.Limits(30, 2), {"b", "f", "c", "e"}),
    "more room than sessions": (retention.Limits(365, 6), set[str]()),
}


@pytest.mark.parametrize(("limits", "gone"), LIMITS.values(), ids=LIMITS.keys())
def test_what_goes(limits: retention.Limits, gone: set[str]) -> None:
    """Every page is looked at."""
    assert deleted(cluster(), limits, metrics.Upkeep()) == gone


def test_deletions_are_counted_by_reason_and_a_crowd_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """What age takes is expected; what number takes may be somebody who hides an older record."""
    figures = metrics.Upkeep()
    deleted(cluster(), retention.Limits(90, 3), figures)
    registry = CollectorRegistry()
    registry.register(figures)
    for reason, number in (("age", 2), ("number", 1)):
        assert registry.get_sample_value("podseal_exec_sessions_deleted_total", {"reason": reason}) == number
    assert "more than 3 exec sessions: the 1 oldest were deleted" in caplog.text


def test_what_another_replica_has_deleted_is_no_failure() -> None:
    """Nor is it counted; another refusal ends the turn."""
    made = cluster()
    made.unwritable = {f"{sessions.PATH}/{name}": 404 for name in AGES}
    figures = metrics.Upkeep()
    assert deleted(made, retention.Limits(90, 0), figures) == {"b", "f"}
    assert not [sample for metric in figures.collect() for sample in metric.samples if "deleted" in sample.name]
    made.unwritable = {f"{sessions.PATH}/{name}": 403 for name in AGES}
    with pytest.raises(apiserver.Refused):
        deleted(made, retention.Limits(90, 0), figures)
