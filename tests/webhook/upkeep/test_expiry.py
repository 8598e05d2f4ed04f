"""Waivers near their end: what counts as one, the figures, and one Event a threshold over all replicas."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from tests.webhook import fake_apiserver
from tests.webhook.test_namespaces import client
from webhook import apiserver, metrics
from webhook.policy import guard, model
from webhook.upkeep import expiry

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EXEMPT = "podseal.dev/exempt."
DEFAULTS = model.Defaults()
TICKET = {f"{EXEMPT}privileged.ticket": "SEC-1"}


def keys(value: str, control: str = "privileged") -> guard.NamespaceKeys:
    """A namespace with one waiver."""
    return guard.NamespaceKeys({EXEMPT + control: value}, TICKET)


SURVEYS: dict[str, tuple[guard.NamespaceKeys, model.Defaults, tuple[int, int, int]]] = {
    "a date to come": (keys("2026-12-01"), DEFAULTS, (1, 0, 0)),
    "today until its end": (keys("2026-11-23"), DEFAULTS, (1, 0, 0)),
    "today, ended at noon by the settings": (keys("2026-11-23"), model.Defaults(expiry_time=12 * 60), (0, 0, 1)),
    "a date that has passed": (keys("2026-11-22"), DEFAULTS, (0, 0, 1)),
    "permanent where it is allowed": (keys("permanent"), model.Defaults(allow_permanent=True), (0, 1, 0)),
    "permanent where it is not": (keys("permanent"), DEFAULTS, (0, 0, 0)),
    "further away than the settings allow": (keys("2030-01-01"), DEFAULTS, (0, 0, 0)),
    "a control that there is not": (keys("2026-12-01", "privilegd"), DEFAULTS, (0, 0, 0)),
    "without the reason that the settings demand": (
        keys("2026-12-01"), model.Defaults(require_reason=True), (0, 0, 0),
    ),
    "no date": (keys("soon"), DEFAULTS, (0, 0, 0)),
    "no waiver": (guard.NamespaceKeys({"podseal.dev/enforce": "off"}), DEFAULTS, (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize(("said", "defaults", "expected"), SURVEYS.values(), ids=SURVEYS.keys())
def test_what_counts(said: guard.NamespaceKeys, defaults: model.Defaults, expected: tuple[int, int, int]) -> None:
    """Dated, permanent and ended waivers of one namespace."""
    found = expiry.survey({"shop": said}, defaults, NOW)
    assert (len(found.endings), found.permanent, found.ended) == expected


def test_the_nearest_end_comes_first() -> None:
    """The figures are bounded, and these are the ones to see."""
    known = {"c": keys("2026-12-24"), "a": keys("2026-12-31"), "b": keys("2026-12-24")}
    assert [each.namespace for each in expiry.survey(known, DEFAULTS, NOW).endings] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("left", "threshold"),
    [
        (timedelta(days=14, seconds=1), None),
        (timedelta(days=14), 14),
        (timedelta(days=7, seconds=1), 14),
        (timedelta(days=7), 7),
        (timedelta(days=1, seconds=1), 7),
        (timedelta(days=1), 1),
        (timedelta(seconds=1), 1),
    ],
)
def test_thresholds(left: timedelta, threshold: int | None) -> None:
    """Each holds until the next."""
    ending = expiry.Ending("shop", model.Waiver("privileged", "", NOW + left), NOW + left)
    assert ending.threshold(NOW) == threshold


class Replica:
    """One replica at a time that a test moves."""

    def __init__(self, address: str, known: Mapping[str, guard.NamespaceKeys]) -> None:
        self.now = NOW
        self.figures = metrics.Upkeep()
        self._expiry = expiry.Expiry(client(address), lambda: known, DEFAULTS, self.figures, lambda: self.now)

    def work(self) -> None:
        """One turn."""
        self._expiry.work()

    def value(self, name: str, **labels: str) -> float | None:
        """A figure."""
        registry = CollectorRegistry()
        registry.register(self.figures)
        return registry.get_sample_value(name, labels)


def test_an_event_comes_once_at_each_threshold() -> None:
    """However often a replica looks; its name says waiver, end and threshold, so that another's is the same."""
    script = fake_apiserver.Script()
    with fake_apiserver.serve(script) as address:
        replica = Replica(address, {"shop": keys("2026-12-31")})
        for days in range(45):
            replica.now = NOW + timedelta(days=days)
            replica.work()
            replica.work()
    assert [(path, body["metadata"]["name"]) for _, path, body in script.sent] == [
        ("/api/v1/namespaces/shop/events", f"podseal.privileged.202701010000.{days}d") for days in (14, 7, 1)
    ]
    body = script.sent[0][2]
    assert body["involvedObject"] == {"apiVersion": "v1", "kind": "Namespace", "name": "shop", "namespace": "shop"}
    assert body["message"] == (
        "podseal.dev/exempt.privileged=2026-12-31 (SEC-1) ends in 14 days, on 2027-01-01 at 00:00 UTC. Pods that need "
        "it are then denied when they are created anew; see which: podseal scan -n shop --as-of 2027-01-02"
    )
    assert script.sent[2][2]["message"].startswith("podseal.dev/exempt.privileged=2026-12-31 (SEC-1) ends within a day")


def test_figures_follow_the_labels() -> None:
    """Days with their fraction; what is prolonged or removed changes or vanishes."""
    script = fake_apiserver.Script()
    known = {"shop": keys("2026-12-31"), "old": keys("2020-01-01")}
    days_left = ("podseal_waiver_days_left", {"resource_namespace": "shop", "control": "privileged"})
    with fake_apiserver.serve(script) as address:
        replica = Replica(address, known)
        replica.work()
        assert replica.value(days_left[0], **days_left[1]) == 38.5
        assert replica.value("podseal_waivers", state="dated") == 1
        assert replica.value("podseal_waivers", state="ended") == 1
        del known["shop"]
        replica.work()
        assert replica.value(days_left[0], **days_left[1]) is None


@pytest.mark.parametrize("status", [404, 409])
def test_an_event_that_is_there_or_has_no_namespace_is_no_failure(status: int) -> None:
    """Another replica was first, or the namespace has gone."""
    script = fake_apiserver.Script()
    script.status = status
    with fake_apiserver.serve(script) as address:
        replica = Replica(address, {"shop": keys("2026-11-24")})
        replica.work()
        replica.work()
    assert len(script.sent) == 1
    assert replica.value("podseal_waiver_events_total", reason="ExemptionEnds") is None


def test_one_refusal_does_not_keep_the_others_from_being_told() -> None:
    """Each is tried; the failure is told, and what failed is tried again."""
    script = fake_apiserver.Script()
    script.status = 403
    with fake_apiserver.serve(script) as address:
        replica = Replica(address, {"shop": keys("2026-11-24"), "till": keys("2026-11-24")})
        with pytest.raises(apiserver.Refused):
            replica.work()
        assert len(script.sent) == 2
        script.status = 200
        replica.work()
    assert replica.value("podseal_waiver_events_total", reason="ExemptionEnds") == 2
