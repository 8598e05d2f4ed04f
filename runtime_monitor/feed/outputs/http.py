"""HTTP: a POST an alert, as Falco's http_output sends it and Falcosidekick reads it, or as Slack's webhooks want it.

Settings: `url`, `format: json|text|slack` (`falco` is `json`), `line` and what `posting.Endpoint` has, under
`endpoint`. The alert's id is the header `Idempotency-Key`.
"""

import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from runtime_monitor.alerts import Alert, Priority, iso_time
from runtime_monitor.feed import output, posting, render

COLOURS: Final = {
    Priority.EMERGENCY: "#e20b0b",
    Priority.ALERT: "#ff5400",
    Priority.CRITICAL: "#ff5400",
    Priority.ERROR: "#ff5400",
    Priority.WARNING: "#ffc700",
    Priority.NOTICE: "#5bffb5",
    Priority.INFORMATIONAL: "#68c2ff",
    Priority.DEBUG: "#ccfff2",
}
SLACK_TEXT: Final = 3000
"""The longest text of a block (https://api.slack.com/reference/block-kit/blocks)."""


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="http", forbid_unknown_fields=True):
    """HTTP."""

    url: str
    format: Literal["falco", "json", "text", "slack"] = "falco"
    line: render.Line = render.FALCO
    endpoint: posting.Endpoint = posting.Endpoint()

    def __post_init__(self) -> None:
        """Refuse a URL that is none."""
        posting.check_url(self.url)

    def open(self) -> "Http":
        """The connection is made by the first alert."""
        return Http(self)


class Http:
    """A POST an alert."""

    batch = 1

    def __init__(self, settings: Settings) -> None:
        self._poster = posting.Poster(settings.url, settings.endpoint)
        self._type = "text/plain; charset=utf-8" if settings.format == "text" else "application/json"
        self._body = _body(settings)

    def send(self, alerts: Sequence[Alert]) -> None:
        """One request each."""
        for alert in alerts:
            # The id holds a node's name and numbers; whatever else somebody put into it cannot be a line of a header.
            key = urllib.parse.quote(alert.id, safe="/", errors="replace")
            self._poster.post(self._body(alert), {"Idempotency-Key": key, "Content-Type": self._type})

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


def _body(settings: Settings) -> Callable[[Alert], bytes]:
    if settings.format == "slack":
        return lambda alert: render.encode(slack(alert))
    if settings.format == "text":
        return lambda alert: render.text(alert, settings.line).encode()
    return lambda alert: render.encode(render.as_object(alert, settings.line))


def slack(alert: Alert) -> dict[str, Any]:
    """A message of an incoming webhook: what comes from a container is plain text, so that no link or mention works."""
    fields = {
        "Rule": alert.rule,
        "Namespace": alert.output_fields.get("k8s.ns.name"),
        "Pod": alert.output_fields.get("k8s.pod.name"),
        "Container": alert.output_fields.get("container.name"),
        "User": alert.output_fields.get("exec.user"),
        "Node": alert.hostname,
        "Time": iso_time(alert.time),
    }
    told = render.printable(alert.output)[:SLACK_TEXT]
    return {
        "text": slack_escaped(f"{alert.priority.label}: {render.printable(alert.rule)}"),
        "attachments": [
            {
                "color": COLOURS[alert.priority],
                "fallback": slack_escaped(told),
                "blocks": [
                    {"type": "section", "text": _plain(told or "-")},
                    {
                        "type": "section",
                        "fields": [
                            _plain(f"{name}: {render.printable(str(each))}") for name, each in fields.items() if each
                        ],
                    },
                ],
            }
        ],
    }


def slack_escaped(text: str) -> str:
    """Slack's three control characters (https://api.slack.com/reference/surfaces/formatting#escaping)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:2000], "emoji": False}
