"""OpenTelemetry logs: OTLP over HTTP with JSON, as opentelemetry-proto maps it.

Settings: `url` of the collector (`/v1/logs` is added where it has no path), `attributes` of the resource, and what
`posting.Endpoint` has, under `endpoint`. A log record's attribute `podseal.alert_id` tells repetitions.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import urllib3

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.feed import output, posting, render

PATH: Final = "/v1/logs"
SEVERITIES: Final = {
    Priority.EMERGENCY: (24, "FATAL4"),
    Priority.ALERT: (22, "FATAL2"),
    Priority.CRITICAL: (21, "FATAL"),
    Priority.ERROR: (17, "ERROR"),
    Priority.WARNING: (13, "WARN"),
    Priority.NOTICE: (10, "INFO2"),
    Priority.INFORMATIONAL: (9, "INFO"),
    Priority.DEBUG: (5, "DEBUG"),
}
"""Syslog's severities as OpenTelemetry's data model of logs maps them (its appendix B)."""
INT64: Final = 2**63


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="otlp", forbid_unknown_fields=True):
    """OpenTelemetry logs."""

    url: str
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    endpoint: posting.Endpoint = posting.Endpoint()

    def __post_init__(self) -> None:
        """Refuse a URL that is none."""
        posting.check_url(self.url)

    def open(self) -> "Otlp":
        """The connection is made by the first alert."""
        return Otlp(self)


class Otlp:
    """Posts groups of log records."""

    batch = 100

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        parsed = urllib3.util.parse_url(settings.url)
        url = settings.url if (parsed.path or "/") != "/" else settings.url.rstrip("/") + PATH
        self._settings = settings
        self._clock = clock
        self._poster = posting.Poster(url, settings.endpoint)

    def send(self, alerts: Sequence[Alert]) -> None:
        """One request for all."""
        self._poster.post(render.encode(request(alerts, self._settings.attributes, self._clock())), {})

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


def request(alerts: Sequence[Alert], attributes: dict[str, str], now: int) -> dict[str, Any]:
    """An ExportLogsServiceRequest: a resource for each node."""
    nodes: dict[str, list[Alert]] = {}
    for alert in alerts:
        nodes.setdefault(alert.hostname, []).append(alert)
    return {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": _attributes({"service.name": "podseal", "host.name": node, **attributes}),
                },
                "scopeLogs": [{"scope": {"name": "podseal"}, "logRecords": [_record(alert, now) for alert in of_node]}],
            }
            for node, of_node in nodes.items()
        ]
    }


def _record(alert: Alert, now: int) -> dict[str, Any]:
    number, text = SEVERITIES[alert.priority]
    fields = {
        **alert.output_fields,
        "podseal.alert_id": alert.id,
        "podseal.rule": alert.rule,
        "podseal.priority": alert.priority.label,
        "podseal.tags": list(alert.tags),
    }
    return {
        "timeUnixNano": str(alert.time),  # 64-bit integers are strings in protobuf's JSON
        "observedTimeUnixNano": str(now),
        "severityNumber": number,
        "severityText": text,
        "body": {"stringValue": alert.output},
        "attributes": _attributes(fields),
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- a field of any type
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -INT64 <= value < INT64:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes({str(key): each for key, each in value.items()})}}
    return {"stringValue": str(value)}
