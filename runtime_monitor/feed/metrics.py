"""What the feed counts, and how Prometheus reads it.

In: deliveries, refusals, what was held back or gave way. Out: the text of GET /metrics. One process, one registry.
Called by `delivery` and by the HTTP server.
"""

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The feed's counters. Labels are names from the configuration and closed sets, never an alert's content."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ("output",)
        self.delivered = self._counter("delivered", "Alerts that an output took.", names)
        self.filtered = self._counter("filtered", "Alerts that an output's filter kept from it.", names)
        self.held_back = self._counter("held_back", "Alerts held back by an output's limits.", ("output", "reason"))
        self.rejected = self._counter("rejected", "Alerts that a receiver will never take.", names)
        self.failures = self._counter("failures", "Attempts that failed and were repeated.", names)
        self.missed = self._counter("missed", "Alerts that gave way in the spool before they were delivered.", names)
        self.unreadable = self._counter("unreadable", "Rows of the spool that hold no alert.", names)
        self.behind = self._gauge("behind", "Alerts in the spool that an output has not had yet.", names)
        self.last_success = self._gauge("last_success_seconds", "When an output last took alerts, since 1970.", names)
        self.clients = self._gauge("stream_clients", "Open streams.", ())
        self.refused_clients = self._counter("stream_refused", "Streams refused because there were too many.", ())
        self.repeated = self._counter("repeated", "Alerts of the stream that were there already.", ())
        self.refused = self._counter("left_out", "Messages of the stream that are no alert of their node.", ("reason",))
        self.evicted = self._gauge("spool_evicted", "Alerts that gave way in the spool, by priority.", ("priority",))
        self.spool_up = self._gauge("spool_up", "Whether the spool can be read.", ())

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return prometheus_client.generate_latest(self.registry)

    def _counter(self, name: str, told: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"podseal_feed_{name}", told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"podseal_feed_{name}", told, labels, registry=self.registry)
