"""What is counted, and how Prometheus reads it.

In: verdicts, durations, certificate events. Out: the text of GET /metrics. `Requests`, `Certificate` and `Cluster` are
used in the workers, `Upkeep` and `render` in the process of the probes (`webhook.probes`), which sums the
files of all workers (prometheus_client's multiprocess mode: PROMETHEUS_MULTIPROC_DIR must be set before this module is
imported).
No label takes a value from a request unless it is one of a closed set.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from webhook.policy import model, workloads

BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
OTHER = "other"
MOST_ENDINGS = 500
UPKEEP_COUNTERS = {
    "events": ("podseal_waiver_events_total", "Events that tell of a waiver's end, by reason.", "reason"),
    "deleted": (
        "podseal_exec_sessions_deleted_total",
        "ExecSessions that retention dropped: for their age, or for their number, which pushes the oldest out.",
        "reason",
    ),
    "failures": ("podseal_upkeep_failures_total", "Turns of a chore that failed; the log has the reason.", "chore"),
}
"""What is counted -> name, text, label."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Requests:
    """Counts what the webhook answers. Every metric has labels, so that no value exists before the workers fork."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._requests = Counter(
            "podseal_requests_total", "Requests by endpoint and outcome.", ("endpoint", "outcome"), registry=registry
        )
        self._decisions = Counter(
            "podseal_decisions_total",
            "Controls that found something, once a request, by the strongest mode.",
            ("control", "mode", "operation", "kind"),
            registry=registry,
        )
        self._patches = Counter("podseal_patches_total", "Patches sent, by kind.", ("kind",), registry=registry)
        self._errors = Counter(
            "podseal_decision_errors_total", "Decisions that raised: bugs.", ("endpoint",), registry=registry
        )
        self._seconds = Histogram(
            "podseal_request_seconds",
            "Seconds from the first byte of the body to the answer.",
            ("endpoint",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._entries = Counter(
            "podseal_entries_total", "Requests into running pods.", ("action", "outcome"), registry=registry
        )
        self._strangers = Counter(
            "podseal_unknown_callers_total",
            "Requests on paths without the random end that the API server was told, by endpoint.",
            ("endpoint",),
            registry=registry,
        )
        # Finding a child by its labels costs more than counting in it.
        self._request = functools.cache(self._requests.labels)
        self._decision = functools.cache(self._decisions.labels)
        self._histogram = functools.cache(self._seconds.labels)

    def answered(self, endpoint: str, outcome: str, seconds: float) -> None:
        """One request, whatever came of it."""
        self._request(endpoint, outcome).inc()
        self._histogram(endpoint).observe(seconds)

    def decided(self, verdict: model.Verdict) -> None:
        """The findings of one verdict."""
        if not verdict.findings and not verdict.waived:
            return
        subject = verdict.subject
        kind = subject.kind if subject.kind in workloads.KINDS else OTHER
        operation = subject.operation if subject.operation in OPERATIONS else OTHER
        modes = {(each.control, each.mode) for each in verdict.findings}
        for control, mode in modes:
            self._decision(control, mode, operation, kind).inc()
        for control in {each.finding.control for each in verdict.waived}:
            self._decision(control, "waived", operation, kind).inc()

    def patched(self, kind: str) -> None:
        """One patch."""
        self._patches.labels(kind).inc()

    def entered(self, action: str, outcome: str) -> None:
        """One request into a running pod: exec, debug, port-forward and their kin."""
        self._entries.labels(action, outcome).inc()

    def met_stranger(self, endpoint: str) -> None:
        """One request that was not the API server's."""
        self._strangers.labels(endpoint).inc()

    def failed(self, endpoint: str) -> None:
        """One decision that raised."""
        self._errors.labels(endpoint).inc()


class Certificate:
    """Tells of the certificate in use. Made in each worker: a value made before the fork would stay for ever."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._not_after = Gauge(
            "podseal_certificate_not_after_seconds",
            "End of the certificate in use, in seconds since 1970; of several workers the earliest.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._failures = Counter(
            "podseal_certificate_reload_failures_total",
            "Attempts to load a changed certificate that failed.",
            registry=registry,
        )

    def loaded(self, not_after: float) -> None:
        """A certificate came into use."""
        self._not_after.set(not_after)

    def failed(self) -> None:
        """The files gave none; the former one stays."""
        self._failures.inc()


class Cluster:
    """What the namespace watch and the recorder of sessions count. Made in each worker, like `Certificate`."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._known = Gauge(
            "podseal_namespaces_known",
            "Namespaces in memory; of several workers the fewest.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._events = Counter(
            "podseal_namespace_events_total",
            "The namespace watch: relists, watch_failures, fetches for a request, stale_answers.",
            ("event",),
            registry=registry,
        )
        self._sessions = Counter(
            "podseal_exec_sessions_total",
            "ExecSessions: written, repeated, retried, and those lost, which only the log has.",
            ("outcome",),
            registry=registry,
        )

    def namespaces(self, name: str, value: int) -> None:
        """One count of the namespace watch moved."""
        if name == "known":
            self._known.set(value)
        else:
            self._events.labels(name).inc()

    def sessions(self, name: str, _value: int) -> None:
        """One count of the recorder moved."""
        self._sessions.labels(name).inc()


class Upkeep(Collector):
    """What upkeep finds, of one process alone: whole tables that are replaced, so that what is over vanishes."""

    def __init__(self) -> None:
        self._endings: list[tuple[str, str, float]] = []
        self._states: Mapping[str, int] = {}
        self._tampered: Mapping[tuple[str, str], bool] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def waivers(self, endings: Sequence[tuple[str, str, float]], states: Mapping[str, int]) -> None:
        """Namespace, control and days left of each waiver, the nearest end first; and how many there are of each state.

        Of endings only the nearest are shown: whoever may label namespaces shall not fill Prometheus.
        """
        self._endings = list(endings[:MOST_ENDINGS])
        self._states = states

    def compared(self, tampered: Mapping[tuple[str, str], bool]) -> None:
        """(kind, name) of each object -> whether it differs from what was installed."""
        self._tampered = tampered

    def warned(self) -> None:
        """One Event about a waiver that ends."""
        self._count("events", "ExemptionEnds")

    def deleted(self, reason: str) -> None:
        """One ExecSession that was dropped."""
        self._count("deleted", reason)

    def failed(self, chore: str) -> None:
        """One turn of a chore that failed."""
        self._count("failures", chore)

    def _count(self, what: str, label: str) -> None:
        self._counts[what, label] = self._counts.get((what, label), 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Everything as of now."""
        days = GaugeMetricFamily(
            "podseal_waiver_days_left",
            f"Days until a waiver ends, of the {MOST_ENDINGS} that end first.",
            labels=("resource_namespace", "control"),
        )
        for namespace, control, left in self._endings:
            days.add_metric((namespace, control), round(left, 3))
        states = GaugeMetricFamily(
            "podseal_waivers", "Waivers by state: dated, permanent, and labels whose date is over.", labels=("state",)
        )
        for state, number in self._states.items():
            states.add_metric((state,), number)
        tampered = GaugeMetricFamily(
            "podseal_config_tampered",
            "1 where a webhook configuration or the guard is gone or differs from what was installed.",
            labels=("kind", "name"),
        )
        for (kind, name), differs in self._tampered.items():
            tampered.add_metric((kind, name), int(differs))
        yield from (days, states, tampered)
        for what, (name, text, label) in UPKEEP_COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=(label,))
            for (counted, value), number in tuple(self._counts.items()):
                if counted == what:
                    counter.add_metric((value,), number)
            yield counter


def render(directory: str, workers: Mapping[str, int], *more: Collector) -> bytes:
    """The metrics of all workers, dead ones included, whose files are in a directory; and how many workers there are.

    Args:
        directory: PROMETHEUS_MULTIPROC_DIR.
        workers: state -> number of workers in it.
        more: what this process itself has to tell.
    """
    registry = CollectorRegistry()
    for each in more:
        registry.register(each)
    multiprocess.MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # typed in parts only
    text: bytes = generate_latest(registry)
    lines = ["# HELP podseal_workers Worker processes by state.", "# TYPE podseal_workers gauge"]
    lines += [f'podseal_workers{{state="{state}"}} {count}' for state, count in workers.items()]
    return text + "\n".join(lines).encode() + b"\n"


def forget(pid: int) -> None:
    """A worker has ended: its gauges go, its counts stay."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]  # typed in parts only
