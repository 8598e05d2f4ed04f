"""Alertmanager, API v2: alerts whose labels say what and where, so that its grouping and silences work on them.

Settings: `url` of the server, `labels` added to every alert, `expires_seconds` after which Alertmanager calls it
resolved, and what `posting.Endpoint` has, under `endpoint`. Alertmanager knows an alert by its labels, so one sent
twice is one.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from runtime_monitor.alerts import Alert, iso_time
from runtime_monitor.feed import output, posting, render

PATH: Final = "/api/v2/alerts"
LABELS: Final = {
    "namespace": "k8s.ns.name",
    "pod": "k8s.pod.name",
    "container": "container.name",
    "user": "exec.user",
    "session": "exec.session",
}
"""Label -> output field: few values each, for each new set of labels is a new alert."""
VALUE_LENGTH: Final = 1024


class Settings(
    output.Settings, frozen=True, kw_only=True, tag_field="type", tag="alertmanager", forbid_unknown_fields=True
):
    """Alertmanager."""

    url: str
    labels: dict[Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")], str] = msgspec.field(default_factory=dict)
    expires_seconds: Annotated[float, Meta(ge=1)] = 300.0
    endpoint: posting.Endpoint = posting.Endpoint()

    def __post_init__(self) -> None:
        """Refuse a URL that is none."""
        posting.check_url(self.url)

    def open(self) -> "Alertmanager":
        """The connection is made by the first alert."""
        return Alertmanager(self)


class Alertmanager:
    """Posts groups of alerts."""

    batch = 50

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self._poster = posting.Poster(settings.url.rstrip("/") + PATH, settings.endpoint)

    def send(self, alerts: Sequence[Alert]) -> None:
        """One request for all."""
        # From now, not from the event: an alert that arrives late would be resolved before anybody was notified.
        ends = self._clock() + int(self._settings.expires_seconds * 1e9)
        body = [posted(alert, self._settings.labels, ends) for alert in alerts]
        self._poster.post(render.encode(body), {})

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


def posted(alert: Alert, labels: dict[str, str], ends: int) -> dict[str, Any]:
    """A postableAlert of Alertmanager's OpenAPI document."""
    found = {name: alert.output_fields.get(key) for name, key in LABELS.items()}
    own = {
        "alertname": alert.rule,
        "severity": alert.priority.name.lower(),
        "node": alert.hostname,
        "source": alert.source,
    }
    told = {**labels, **own, **{name: str(value) for name, value in found.items() if value is not None}}
    return {
        "labels": {name: render.printable(value)[:VALUE_LENGTH] for name, value in told.items() if value},
        "annotations": {"description": render.printable(alert.output), "alert_id": render.printable(alert.id)},
        "startsAt": iso_time(alert.time),
        "endsAt": iso_time(max(ends, alert.time)),
    }
