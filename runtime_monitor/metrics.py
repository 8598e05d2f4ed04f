"""What the sensor counts, as Prometheus reads it: GET /metrics.

In: the parts of a running sensor, which count by themselves, and each alert as it reaches the spool. Out: metrics.
Called by `node`; the counts are read when somebody asks, so that an event pays for none of them but the latency.
No label takes a value from a container.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime_monitor.alerts import Alert

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
HELP = {
    "events": "Events that the kernel told.",
    "lost": "Events that were seen and could not be told, by reason.",
    "waiting": "Events that waited for their container's metadata, by what became of them.",
    "bundles": "OCI bundles, by what came of reading them.",
    "containers": "Containers, by what became of them.",
    "pod_watch": "The watch of this node's pods: lists and failures.",
    "spool": "Alerts, by what became of them on their way to the spool.",
    "evicted": "Alerts that gave way on disk, by priority.",
    "dropped": "Alerts that gave way in memory, by priority.",
    "reloads": "Reloads of the rules, by what became of them; a failed one leaves the rules before in force.",
    "program_runs": "Runs of each program in the kernel, where kernel.bpf_stats_enabled is set.",
    "program_nanoseconds": "Nanoseconds that each program ran, where kernel.bpf_stats_enabled is set.",
}
"""Name of a family of counters -> its help; each is `podseal_monitor_<name>_total`, its label is called `kind`."""
GAUGES = {
    "containers_running": "Containers that are watched.",
    "roots_unconfirmed": "Roots that the kernel took for a container's and that no container has been found for yet.",
    "pods_known": "Pods of this node that the API server has told of.",
    "pod_watch_fresh": "Whether the API server has been heard of lately.",
    "waiting_events": "Events that wait for their container's metadata.",
    "spool_pending": "Alerts that wait in memory for the disk.",
    "ring_highest_ratio": "Highest share of the kernel's ring that was in use since the start.",
    "rules": "Rules in force, podseal's own and the given ones.",
    "rules_disabled": "Rules that are out of force because they raised; a reload brings them back.",
    "rules_stale": "Whether the files hold other rules than those in force, because they are broken.",
    "opens_widened": "Demands of the rules on opens that the kernel cannot ask, so that it tells more than they need.",
    "rules_loaded_timestamp_seconds": "When the rules in force were loaded, in seconds of the epoch.",
}
Counted = Mapping[str, Mapping[str, float]]
"""Family of counters -> kind -> how many."""


class Latency:
    """From an event in the kernel to its alert in the spool, by the clock of the wall that both have."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._seconds = Histogram(
            "podseal_monitor_alert_seconds",
            "Seconds from an event in the kernel to its alert in the spool.",
            buckets=BUCKETS,
            registry=registry,
        )

    def kept(self, alerts: Sequence[Alert]) -> None:
        """These are in the spool now."""
        now = self._clock()
        for alert in alerts:
            self._seconds.observe((now - alert.time) / 1e9)


class Counters(Collector):
    """Asks the parts for their counts when Prometheus asks for them."""

    def __init__(self, counted: Callable[[], Counted], gauged: Callable[[], Mapping[str, float]], tier: str) -> None:
        self._counted, self._gauged, self._tier = counted, gauged, tier

    def collect(self) -> Iterator[Metric]:
        """Every family, also those that nothing was counted in."""
        counted = self._counted()
        for name, text in HELP.items():
            family = CounterMetricFamily(f"podseal_monitor_{name}", text, labels=("kind",))
            for kind, value in counted.get(name, {}).items():
                family.add_metric((kind,), value)
            yield family
        gauged = self._gauged()
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"podseal_monitor_{name}", text, value=gauged.get(name, 0))
        info = GaugeMetricFamily("podseal_monitor_tier", "The sensor's tier on this kernel.", labels=("tier",))
        info.add_metric((self._tier,), 1)
        yield info
