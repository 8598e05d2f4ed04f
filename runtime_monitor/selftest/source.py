"""The monitor's own way of an event, sensor and pipeline, as the self-test's source of events.

In: an open sensor. Out: a `Source` of enriched events. The containers are found as those of any runtime are, by their
cgroup and OCI bundle; only the place where bundles lie is the self-test's own. Called by `podseal-monitor selftest` and
by the tests of the kernel.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence

from runtime_monitor import pipeline
from runtime_monitor.alerts import Alert
from runtime_monitor.enrich import bundles, containers, pods, processes, roots, services, sessions, users, writes
from runtime_monitor.events import Event
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.node import SensorSource
from runtime_monitor.selftest.container import BUNDLES


class Live:
    """The pipeline of one sensor; it judges nothing and keeps nothing but the events of one step."""

    def __init__(self, sensor: Sensor, known: containers.Containers) -> None:
        self._seen: list[Event] = []
        of_pods = pods.Pods()
        stages = pipeline.Stages(
            arrived=lambda: (),
            containers=known,
            pods=of_pods,
            processes=processes.Processes(),
            users=users.Users(),
            writes=writes.Writes(),
            sessions=sessions.Sessions(of_pods.get),
            services=services.Services(),
        )
        self._pipeline = pipeline.Pipeline(SensorSource(sensor), stages, lambda _: (), self, self)

    def poll(self, timeout: float) -> list[Event]:
        """What has come through, waiting at most `timeout` seconds for the first."""
        self._seen = []
        self._pipeline.step(timeout)
        return self._seen

    def append(self, new: Iterable[Alert]) -> bool:
        """For the pipeline, as its spool: there are no alerts."""
        del new
        return True

    def seen(self, event: Event) -> None:
        """For the pipeline, as its observer: an event, enriched."""
        self._seen.append(event)

    def kept(self, alerts: Sequence[Alert]) -> None:
        """For the pipeline, as its observer: there are no alerts."""


@contextlib.contextmanager
def live(sensor: Sensor) -> Iterator[Live]:
    """The pipeline of a sensor, until the end of the context."""
    host = roots.Host(sensor.host.root_device, sensor.host.mount_namespace, sensor.host.pid_namespace)
    known = containers.Containers(bundles.Bundles(more=(BUNDLES,)), roots.Proc(host), time.time_ns)
    with contextlib.closing(known):
        yield Live(sensor, known)
