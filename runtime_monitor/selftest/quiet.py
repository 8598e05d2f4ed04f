"""What must stay quiet: the image's own doings, writes beside the root, the same outside, containers' starts and ends.

In: a source of events and a number of seconds. Out: the events that said something all the same about the self-test's
own containers and processes; what the rest of the node does meanwhile is its own. Called by `podseal-monitor selftest
--quiet` and by the tests.
"""

import contextlib
import functools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime_monitor import ruling
from runtime_monitor.events import Event
from runtime_monitor.selftest import container
from runtime_monitor.selftest.run import Listener, Source, listening

INSIDE = (
    "echo x > /dev/shm/file",
    f"echo x > {container.VOLUME}/file; rm {container.VOLUME}/file",
    "echo x > /dev/null",
    "echo 0 > /proc/self/oom_score_adj",
    "ls / | head -n 1",
    "cat /etc/passwd",
)
"""What the entry point does, each by a shell of its own: programs of its image, writes to volumes, tmpfs and /proc."""

_ENTRYPOINT = ("/bin/sh", "-c", "while read -r line; do " + " ".join(f"sh -c '{each}';" for each in INSIDE) + " done")
_SHELL = "/bin/sh"
LATE = 2.0
"""Seconds in which what waits for its container's metadata has come."""


@dataclass
class Life:
    """The numbers of a container of the self-test, and when they were its: soon they are another container's."""

    root: int
    mount_namespace: int
    begin: int  # nanoseconds since the epoch
    end: int | None = None

    def has(self, event: Event) -> bool:
        """Whether an event has one of the numbers, at the right time."""
        return (event.fd.root == self.root or event.proc.mount_namespace == self.mount_namespace) and (
            self.begin <= event.evt.time and (self.end is None or event.evt.time <= self.end)
        )


@dataclass
class Own:
    """What is the self-test's: by what an event is known to be about it."""

    ids: set[str] = field(default_factory=set)
    pids: set[int] = field(default_factory=set)
    lives: list[Life] = field(default_factory=list)

    def has(self, event: Event) -> bool:
        """Whether an event is of its containers, of its processes on the host, or of their children."""
        if event.container.full_id is not None:
            return event.container.full_id in self.ids
        return not self.pids.isdisjoint({event.proc.pid, event.proc.parent}) or any(
            life.has(event) for life in self.lives
        )

    @contextlib.contextmanager
    def running(self, configuration: container.Configuration) -> Iterator[container.Container]:
        """A container that is the self-test's own."""
        begin = time.time_ns()
        with container.running(configuration) as made:
            mount_namespace = Path(f"/proc/{made.pid}/ns/mnt").stat().st_ino
            life = Life(made.device, mount_namespace, begin)
            self.ids.add(made.id)
            self.lives.append(life)
            yield made
        life.end = time.time_ns()


def keep(source: Source, seconds: float) -> list[Event]:
    """Do all of it, round after round, until the time is up; what was said.

    Raises `OSError` where no container can be made here.
    """
    deadline = time.monotonic() + seconds
    said: list[Event] = []
    own = Own()
    with (
        listening(source) as listener,
        own.running(container.Configuration(_ENTRYPOINT)) as resident,
        tempfile.TemporaryDirectory() as folder,
    ):
        while time.monotonic() < deadline:
            _round(resident, Path(folder), own)
            said += _verdicts(listener, until=min(time.monotonic() + 1, deadline))
        said += _verdicts(listener, until=time.monotonic() + LATE)
    return [event for event in said if own.has(event)]


def _round(resident: container.Container, folder: Path, own: Own) -> None:
    """Each thing once: the entry point's turn, the same on the host, two containers that start and end."""
    os.write(resident.stdin, b"\n")
    for path in (folder / "file", Path("/dev/shm/podseal-quiet")):  # noqa: S108 -- a tmpfs is what is meant
        with subprocess.Popen([_SHELL, "-c", f"echo x > {path}; rm {path}"]) as process:  # noqa: S603 -- our own words
            own.pids.add(process.pid)
    for read_only in (False, True):
        with own.running(container.Configuration(read_only=read_only)):
            pass


def _verdicts(listener: Listener, until: float) -> Sequence[Event]:
    """The events up to a moment that say something."""
    said = []
    while (arrival := listener.next(until - time.monotonic())) is not None:
        if speaks(arrival.event):
            said.append(arrival.event)
    return said


_own_rules = functools.cache(ruling.own_rules)


def speaks(event: Event) -> bool:
    """Whether the monitor would make an alert of it."""
    return bool(_own_rules().judge(event))
