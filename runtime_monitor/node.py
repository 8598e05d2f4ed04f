"""One node's sensor, put together: the kernel's side, what enriches, what judges, the spool, and the watch over itself.

In: `Settings`. Out: `run` returns when it is told to stop. Called by `commands.run`. Whatever is missing costs one line
of the log and what depends on it: without a runtime no names, without an API server no labels; only without the
kernel's side, a lock or a spool there is nothing to run.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from runtime_monitor import listener, metrics, pipeline, protection, recording
from runtime_monitor.alerts import Alert
from runtime_monitor.enrich import (
    arrivals,
    bundles,
    containers,
    pods,
    processes,
    roots,
    services,
    sessions,
    users,
    writes,
)
from runtime_monitor.events import Event
from runtime_monitor.kernel import sensor
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.open_filter import Tables
from runtime_monitor.kernel.roots import Root
from runtime_monitor.spool import writer

SCAN_SECONDS = 30.0
"""Between two looks for containers that started unseen."""
log = logging.getLogger("podseal.node")


@dataclass(frozen=True)
class Settings:
    """What `podseal-monitor run` is told.

    `unpinned`: the kernel's side ends with the process, and another monitor may run beside it.
    """

    node: str
    spool: Path
    bundles: tuple[Path, ...] = ()
    kubeconfig: str | None = None
    record: Path | None = None
    listeners: tuple[listener.Listener, ...] = ()
    bpffs: Path = Path("/sys/fs/bpf")
    unpinned: bool = False


class Judges(Protocol):
    """Who judges events (`ruling`)."""

    @property
    def event_types(self) -> frozenset[str]:
        """What they need of the kernel."""

    @property
    def opens(self) -> Tables:
        """By which the kernel tells opens."""

    def follow(self, kernel: sensor.Sensor) -> None:
        """The kernel's side, which starts with these and is told where they change."""

    def judge(self, event: Event) -> Iterable[Alert]:
        """The alerts of one event."""

    def between(self) -> None:
        """Called between two groups of events."""

    def counted(self) -> Mapping[str, float]:
        """Reloads by what became of them."""

    def gauged(self) -> Mapping[str, float]:
        """What is in force now."""


class SensorSource:
    """The sensor as the pipeline sees it."""

    def __init__(self, opened: sensor.Sensor) -> None:
        self._sensor = opened

    def poll(self, timeout_seconds: float = 0) -> list[Event]:
        """What has happened."""
        return self._sensor.poll(timeout_seconds)

    def watch(self, root: roots.Root) -> None:
        """This root is a container's."""
        try:
            self._sensor.watch_root(
                Root(root.device, root.mount_namespace, root.pid_namespace, root.cgroup, root.first, root.trees)
            )
        except KernelError as error:
            log.warning("a container's root stays unwatched: %s", error)

    def forget(self, device: int) -> None:
        """This device is a container's root no longer."""
        self._sensor.unwatch_root(device)

    def ignore(self, device: int) -> None:
        """This device is none."""
        self._sensor.roots.ignore(device)


class Node:
    """The parts of a running sensor; made by `assembled`."""

    def __init__(
        self,
        settings: Settings,
        opened: sensor.Sensor,
        spool: writer.Writer,
        judges: Judges,
    ) -> None:
        self._settings = settings
        self._judges = judges
        self._sensor = opened
        self._spool = spool
        self._bundles = bundles.Bundles(more=settings.bundles)
        host = roots.Host(opened.host.root_device, opened.host.mount_namespace, opened.host.pid_namespace)
        self._containers = containers.Containers(self._bundles, roots.Proc(host), time.time_ns)
        self._pods = pods.Pods()
        self._services = services.Services()
        self._recording = recording.Recording(settings.record)
        self._registry = CollectorRegistry()
        self._latency = metrics.Latency(self._registry)
        self._arrivals = arrivals.Arrivals(self._bundles.present())
        stages = pipeline.Stages(
            arrived=self._arrivals.take,
            containers=self._containers,
            pods=self._pods,
            processes=processes.Processes(),
            users=users.Users(),
            writes=writes.Writes(),
            sessions=sessions.Sessions(self._pods.get),
            services=self._services,
        )
        self.pipeline = pipeline.Pipeline(SensorSource(opened), stages, judges.judge, spool, self)
        identity = protection.Identity(settings.node, opened.origin.boot)
        self._diary = protection.Diary(settings.spool.with_suffix(".state"), identity)
        self._losses = protection.LossReporter(identity)
        self._tampering = protection.TamperingReporter(identity)

    def seen(self, event: Event) -> None:
        """An event went by."""
        self._recording.add(event)

    def kept(self, alerts: Sequence[Alert]) -> None:
        """Alerts reached the spool."""
        self._latency.kept(alerts)

    def run(self, stopped: threading.Event, watching: Callable[[], None] = lambda: None) -> None:
        """Watch until told to stop; `watching` is called at the beginning."""
        self._spool.append(self._diary.begin(time.time_ns()))
        self._serve_metrics()
        self._arrivals.start()
        # In a thread: to import the kubernetes package takes half a second, in which events are seen already.
        self._pods.expect()
        self._services.expect()
        threading.Thread(target=self._connect, name="cluster", daemon=True).start()
        if not self._bundles.present():
            log.warning(
                "no container runtime's folder is here (%s): containers stay without names; give --bundles DIR",
                ", ".join(map(str, self._bundles.places)),
            )
        reason = "it failed, see its log"
        try:
            watching()
            self._watch(stopped)
            reason = "told to stop"
        finally:
            self._pods.stop()
            self._services.stop()
            self._arrivals.stop()
            self._spool.append([self._diary.end(time.time_ns(), reason)])
            self._recording.close()
            self._containers.close()

    def _connect(self) -> None:
        """Follow what the API server says: this node's pods, and the cluster's Services."""
        self._pods.connect(self._settings.kubeconfig, self._settings.node)
        self._services.connect(self._settings.kubeconfig)

    def _watch(self, stopped: threading.Event) -> None:
        next_scan = next_beat = 0.0
        while not stopped.is_set():
            now = time.monotonic()
            if now >= next_scan:
                self.pipeline.scan()
                next_scan = now + SCAN_SECONDS
            if now >= next_beat:
                self._beat()
                next_beat = now + protection.HEARTBEAT_SECONDS
            self.pipeline.step()
            self._judges.between()

    def _beat(self) -> None:
        now = time.time_ns()
        self._diary.beat(now)
        self._recording.flush()
        lost = self._lost()
        self._spool.report("sensor", {"tier": self._sensor.tier, "lost": lost, "seen": now, **self._said()})
        self._spool.append(self._losses.look({name: int(count) for name, count in lost.items()}, now))
        self._spool.append(self._tampering.look(self._sensor.tampered(), now))

    def _serve_metrics(self) -> None:
        self._registry.register(metrics.Counters(self.counted, self.gauged, self._sensor.tier))
        for each in self._settings.listeners:
            try:
                listener.serve(each, self._registry)
            except OSError as error:
                reason = "give --metrics-bind, or webserver.listen_port in falco.yaml"
                log.warning("no metrics at %s:%d: %s; %s", each.address, each.port, error.strerror or error, reason)

    def counted(self) -> metrics.Counted:
        """Every count of every stage."""
        run_times = self._sensor.programs.run_times()
        waiting, spool = self.pipeline.waiting.counts, self._spool.counts
        bundle_counts, container_counts, pod_counts = self._bundles.counts, self._containers.counts, self._pods.counts
        return {
            "events": {"told": self.pipeline.counts.events},
            "lost": self._lost(),
            "waiting": {"late": waiting.late, "overflowed": waiting.overflowed, "dropped": waiting.dropped},
            "bundles": _fields(bundle_counts, "read", "missing", "broken"),
            "containers": _fields(container_counts, "found", "gone_unread"),
            "pod_watch": _fields(pod_counts, "lists", "failures"),
            "spool": {"made": self.pipeline.counts.alerts, **_fields(spool, "written", "repeated", "failures")},
            "reloads": self._judges.counted(),
            "program_runs": {name: runs for name, (_, runs) in run_times.items()},
            "program_nanoseconds": {name: nanoseconds for name, (nanoseconds, _) in run_times.items()},
            "evicted": {priority.label: count for priority, count in spool.evicted.items()},
            "dropped": {priority.label: count for priority, count in spool.dropped.items()},
        }

    def _lost(self) -> dict[str, float]:
        return _fields(self._sensor.losses(), "ring_full", "no_scratch", "skipped_runs", "undecodable")

    def _said(self) -> dict[str, float]:
        """For the page: every length and state, and reloads that failed."""
        return {**self.gauged(), "reloads_failed": self._judges.counted()["failed"]}

    def gauged(self) -> Mapping[str, float]:
        """Every length and state."""
        return {
            "containers_running": self._containers.counts.running,
            "roots_unconfirmed": len(self._sensor.roots.provisional()),
            "pods_known": self._pods.counts.known,
            "pod_watch_fresh": float(self._pods.is_fresh),
            "waiting_events": self.pipeline.waiting.counts.length,
            "spool_pending": self._spool.pending,
            "ring_highest_ratio": self._sensor.highest / self._sensor.settings.ring_bytes,
            **self._judges.gauged(),
        }


def run(
    settings: Settings, judges: Judges, stopped: threading.Event, watching: Callable[[], None] = lambda: None
) -> None:
    """Watch this node until `stopped` is set; `watching` is called once nothing is missed any more.

    Raises:
        KernelError: the kernel's side cannot start, or another monitor runs.
        SpoolError: the spool cannot be written.
    """
    with contextlib.ExitStack() as resources:
        # The sensor first, whose pins only one monitor may hold: nothing of the other one's is touched.
        pinned = None if settings.unpinned else settings.bpffs / sensor.PINNED.name
        kernel = sensor.Settings(
            node=settings.node,
            bpffs=settings.bpffs,
            pinned=pinned,
            event_types=judges.event_types,
            opens=judges.opens,
        )
        opened = resources.enter_context(sensor.Sensor.open(kernel))
        judges.follow(opened)
        spool = writer.Writer(settings.spool)
        resources.callback(spool.close)
        log.info("%s", opened.describe())
        Node(settings, opened, spool, judges).run(stopped, watching)


def _fields(counts: object, *names: str) -> dict[str, float]:
    return {name: getattr(counts, name) for name in names}
