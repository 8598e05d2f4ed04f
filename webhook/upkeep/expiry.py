"""Waivers that come to their end: how many days each has left, and an Event on its namespace 14, 7 and 1 days before.

In: the namespaces' keys, the settings, the time. Out: figures for /metrics, Events in the namespaces concerned. Every
replica does it: an Event's name says which waiver and which threshold it is about, so that the API server keeps the
first one of them (409 for the rest). A replica tells a threshold once; one that starts within the same span after the
Event was forgotten (an hour by default, --event-ttl) tells it again.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from msgspec import Struct

from webhook import apiserver, metrics
from webhook.policy import exceptions, guard, labels, model, waivers

THRESHOLDS = (1, 7, 14)
"""Days before the end, from the last warning to the first."""
DAY = timedelta(days=1)
REASON = "ExemptionEnds"
WHO = "podseal-webhook"
FINAL = frozenset({HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND})
"""Told already, by this replica or another; or the namespace has gone."""


class Ending(Struct, frozen=True):
    """A waiver that holds, and the first instant at which it no longer does."""

    namespace: str
    waiver: model.Waiver
    until: datetime

    def days_left(self, now: datetime) -> float:
        """Days, with their fraction."""
        return (self.until - now) / DAY

    def threshold(self, now: datetime) -> int | None:
        """The threshold that has been passed last; None where the end is further away than each."""
        left = self.until - now
        return next((days for days in THRESHOLDS if left <= days * DAY), None)


class Survey(Struct, frozen=True):
    """All waivers of a cluster: those with an end, the nearest first, and how many have none or are over."""

    endings: tuple[Ending, ...] = ()
    permanent: int = 0
    ended: int = 0


def survey(known: Mapping[str, guard.NamespaceKeys], defaults: model.Defaults, now: datetime) -> Survey:
    """Look at every namespace; only what holds counts as a waiver, as in each decision."""
    endings: list[Ending] = []
    permanent = ended = 0
    for namespace, keys in known.items():
        said = {key: value for key, value in keys.labels.items() if key.startswith(labels.PREFIX + labels.EXEMPT)}
        if not said:
            continue
        policy = exceptions.policy_for(namespace, keys.labels, defaults, now, keys.annotations)
        dated = [Ending(namespace, each, each.until) for each in policy.waivers if each.until is not None]
        endings += dated
        permanent += len(policy.waivers) - len(dated)
        instants = (waivers.last_instant(value, defaults) for value in said.values())
        ended += sum(instant is not None and instant <= now for instant in instants)
    endings.sort(key=lambda each: (each.until, each.namespace, each.waiver.control))
    return Survey(tuple(endings), permanent, ended)


class Expiry:
    """Looks at the waivers of one cluster, and tells."""

    def __init__(
        self,
        client: apiserver.Client,
        known: Callable[[], Mapping[str, guard.NamespaceKeys]],
        defaults: model.Defaults,
        figures: metrics.Upkeep,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._known = known
        self._defaults = defaults
        self._figures = figures
        self._clock = clock
        self._told: set[tuple[str, str]] = set()

    def work(self) -> None:
        """Figures, then Events.

        Raises:
            apiserver.Refused: an Event could not be written; the others were tried.
        """
        now = self._clock()
        found = survey(self._known(), self._defaults, now)
        self._figures.waivers(
            [(each.namespace, each.waiver.control, each.days_left(now)) for each in found.endings],
            {"dated": len(found.endings), "permanent": found.permanent, "ended": found.ended},
        )
        due = dict(_due(found.endings, now))
        self._told &= due.keys()
        failure: apiserver.Refused | None = None
        for key in due.keys() - self._told:
            try:
                self._tell(due[key], now)
                self._told.add(key)
            except apiserver.Refused as refused:
                failure = refused
        if failure:
            raise failure

    def _tell(self, ending: Ending, now: datetime) -> None:
        try:
            self._client.send("POST", f"/api/v1/namespaces/{ending.namespace}/events", event(ending, now))
        except apiserver.Refused as refused:
            if refused.status not in FINAL:
                raise
        else:
            self._figures.warned()


def event(ending: Ending, now: datetime) -> dict[str, object]:
    """The Event of a waiver whose end is near (k8s.io/api/core/v1), seen by `kubectl get events` in its namespace."""
    days = -((now - ending.until) // DAY)
    left = "within a day" if days <= 1 else f"in {days} days"
    waiver = ending.waiver
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    message = (
        f"{waiver.label}{ticket} ends {left}, on {ending.until:%Y-%m-%d at %H:%M} UTC. Pods that need it are then "
        f"denied when they are created anew; see which: podseal scan -n {ending.namespace} --as-of "
        f"{ending.until + DAY:%Y-%m-%d}"
    )
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(ending, now), "namespace": ending.namespace},
        # A Namespace has no namespace; without one its Event would have to stand in `default`, where none of those
        # whom it concerns would see it (k8s.io/kubernetes/pkg/apis/core/validation/events.go).
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Namespace",
            "name": ending.namespace,
            "namespace": ending.namespace,
        },
        "reason": REASON,
        "message": message,
        "type": "Warning",
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "source": {"component": WHO},
        "reportingComponent": WHO,
    }


def _due(endings: tuple[Ending, ...], now: datetime) -> Iterator[tuple[tuple[str, str], Ending]]:
    for each in endings:
        if each.threshold(now) is not None:
            yield (each.namespace, _name(each, now)), each


def _name(ending: Ending, now: datetime) -> str:
    """The same for every replica; another day or threshold is another Event."""
    return f"podseal.{ending.waiver.control}.{ending.until:%Y%m%d%H%M}.{ending.threshold(now)}d"
