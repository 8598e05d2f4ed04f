"""What is counted, and how Prometheus reads it.

In: verdicts, durations, certificate events. Out: the text of GET /metrics. `Requests` and `Certificate` are used in
the workers, `render` in the process of the probes (`webhook.probes`), which sums the files of all workers
(prometheus_client's multiprocess mode: PROMETHEUS_MULTIPROC_DIR must be set before this module is imported).
No label takes a value from a request unless it is one of a closed set.
"""

import functools
from collections.abc import Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from webhook.policy import model, workloads

BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
OTHER = "other"
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


def render(directory: str, workers: Mapping[str, int]) -> bytes:
    """The metrics of all workers, dead ones included, whose files are in a directory; and how many workers there are.

    Args:
        directory: PROMETHEUS_MULTIPROC_DIR.
        workers: state -> number of workers in it.
    """
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # typed in parts only
    text: bytes = generate_latest(registry)
    lines = ["# HELP podseal_workers Worker processes by state.", "# TYPE podseal_workers gauge"]
    lines += [f'podseal_workers{{state="{state}"}} {count}' for state, count in workers.items()]
    return text + "\n".join(lines).encode() + b"\n"


def forget(pid: int) -> None:
    """A worker has ended: its gauges go, its counts stay."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]  # typed in parts only
