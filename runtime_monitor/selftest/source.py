"""The node's own sensor as the self-test's source of events.

In: an open sensor. Out: a `Source`: its events as they come, and containers made known to it. Called by
`podseal-monitor selftest` and by the tests of the kernel.
"""

import dataclasses
from dataclasses import dataclass

from runtime_monitor.events import Event
from runtime_monitor.kernel.machine import Host
from runtime_monitor.kernel.roots import Root, root_of_process
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.selftest.container import Container


@dataclass(frozen=True)
class Live:
    """A sensor that is open."""

    sensor: Sensor

    def poll(self, timeout: float) -> list[Event]:
        """What has come, waiting at most `timeout` seconds for the first."""
        return self.sensor.poll(timeout)

    def adopt(self, made: Container) -> None:
        """Tell the sensor of a container, as the pipeline does of those that it finds."""
        self.sensor.watch_root(root_of(made, self.sensor.host))


def root_of(made: Container, host: Host) -> Root:
    """By what the kernel knows a container: its root's superblock, its namespaces, its cgroup, its upper directory."""
    upper = made.upper.stat()
    return dataclasses.replace(
        root_of_process(made.pid, host),
        cgroup=made.cgroup.folder.stat().st_ino,
        trees=((upper.st_dev, upper.st_ino),),
    )
