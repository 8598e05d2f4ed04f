"""A namespace's pods together: by owner, each finding once, all counted."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook.scan import pod_objects
from webhook.policy import guard
from webhook.scan import gather, model, pods

REPLICA = pod_objects.owned("ReplicaSet", "web-7c9f", **{"pod-template-hash": "7c9f"})


def gathered(found: list[pods.Pod], keys: guard.NamespaceKeys = guard.NamespaceKeys()) -> model.Namespace:  # noqa: B008 -- frozen
    """The result of some pods."""
    gatherer = gather.Gatherer("shop", keys, pod_objects.RULES)
    for pod in found:
        gatherer.add(pod)
    return gatherer.result()


def replica(number: int, container: pod_objects.Json | None = None) -> pods.Pod:
    """One pod of the Deployment web."""
    return pod_objects.pod(f"web-7c9f-{number}", "shop", metadata=REPLICA, container=container or {})


def test_replicas_share_their_findings() -> None:
    """Three pods of a Deployment are one owner with one row a finding."""
    result = gathered([replica(number, container=pod_objects.PRIVILEGED) for number in range(3)])
    (owner,) = result.owners
    assert (owner.kind, owner.name, owner.pods, owner.denied) == ("Deployment", "web", 3, 3)
    rows = [row for row in owner.rows if row.control == "privileged"]
    assert [(row.pods, row.pod) for row in rows if isinstance(row, model.Row)] == [(3, "web-7c9f-0")]
    assert rows[0].message.startswith("Deployment/shop/web, container tested: spec.containers[0]")


def test_a_replica_that_differs_has_rows_of_its_own() -> None:
    """During a roll-out both states run."""
    result = gathered([replica(0, container=pod_objects.PRIVILEGED), replica(1), replica(2)])
    (owner,) = result.owners
    assert (owner.pods, owner.denied) == (3, 1)
    assert {row.pods for row in owner.rows if isinstance(row, model.Row)} == {1}


def test_waivers_count_the_pods_that_need_them() -> None:
    """A waiver that no pod needs is there with a zero."""
    result = gathered([replica(n, container=pod_objects.PRIVILEGED) for n in range(2)], pod_objects.WAIVED)
    assert {(use.control, use.pods, use.ticket) for use in result.uses} == {
        ("privileged", 2, "SEC-1"),
        ("host-path", 0, ""),
    }
    (owner,) = result.owners
    assert [(row.control, row.ticket) for row in owner.waived] == [("privileged", "SEC-1")]


def test_labels_that_say_nothing_are_problems() -> None:
    """They are told once for the namespace, pods or none."""
    result = gathered([], guard.NamespaceKeys({"podseal.dev/exempt.privileged": "2026-11-01"}))
    assert len(result.problems) == 1
    assert "has expired" in result.problems[0]


def test_what_is_skipped_is_counted() -> None:
    """Finished pods have no owner in the result."""
    result = gathered([replica(0), pod_objects.pod(status={"phase": "Failed"})])
    assert (result.counts.pods, result.counts.finished, result.counts.owners) == (1, 1, 1)


def test_beyond_the_bound_findings_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten bare pods, room for four rows."""
    monkeypatch.setattr(model, "MOST_ROWS", 4)
    result = gathered([pod_objects.pod(f"bare-{n}", container=pod_objects.PRIVILEGED) for n in range(10)])
    rows = sum(len(owner.rows) for owner in result.owners)
    assert rows == 4
    assert result.counts.cut > 0
    assert sum(owner.denied for owner in result.owners) == 10


@settings(deadline=None)
@given(st.permutations([(number, bad) for number in range(6) for bad in (True, False)]))
def test_the_order_of_pods_changes_no_count(order: list[tuple[int, bool]]) -> None:
    """Counts, owners and the number of pods in each row are those of the set of pods."""
    found = [
        pod_objects.pod(f"p{number}-{bad}", metadata=pod_objects.owned("Job", f"job-{number % 2}"),
                        container=pod_objects.PRIVILEGED if bad else {})
        for number, bad in order
    ]  # fmt: skip
    result = gathered(found)
    assert result.counts == gathered(sorted(found, key=lambda pod: pod.name)).counts
    pairs = [(owner.name, row.pods) for owner in result.owners for row in owner.rows if isinstance(row, model.Row)]
    assert set(pairs) == {("job-0", 3), ("job-1", 3)}
    assert msgspec.json.decode(msgspec.json.encode(result))["counts"]["pods"] == 12
