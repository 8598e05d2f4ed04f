"""What must stay quiet: the image's own doings, writes beside the root, the same outside, containers' starts and ends.

In: a source of events and a number of seconds. Out: the events that said something all the same, of this self-test's
own containers and of the host's processes; what other containers of the node do meanwhile is their own. Called by
`podseal-monitor selftest --quiet` and by the tests.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from runtime_monitor.events import Event
from runtime_monitor.selftest import cgroups, container
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
_EXECUTABLE = "/bin/sh"


def keep(source: Source, seconds: float) -> list[Event]:
    """Do all of it, round after round, until the time is up; what was said.

    Raises `OSError` where no container can be made here.
    """
    deadline = time.monotonic() + seconds
    said: list[Event] = []
    with listening(source) as listener, container.running(container.Configuration(_ENTRYPOINT)) as resident:
        source.adopt(resident)
        with tempfile.TemporaryDirectory() as folder:
            while time.monotonic() < deadline:
                _round(resident, Path(folder))
                said += _told(listener, until=min(time.monotonic() + 1, deadline))
    return said


def _round(resident: container.Container, folder: Path) -> None:
    """Each thing once: the entry point's turn, the same on the host, two containers that start and end."""
    os.write(resident.stdin, b"\n")
    for command in (
        f"echo x > {folder}/file; rm {folder}/file",
        "echo x > /dev/shm/podseal-quiet; rm /dev/shm/podseal-quiet",
    ):
        subprocess.run([_EXECUTABLE, "-c", command], check=True)  # noqa: S603 -- our own words
    for read_only in (False, True):
        with container.running(container.Configuration(read_only=read_only)):
            pass


def _told(listener: Listener, until: float) -> Sequence[Event]:
    """The events that say something, up to a moment."""
    said = []
    while (arrival := listener.next(until - time.monotonic())) is not None:
        if speaks(arrival.event) and not foreign(arrival.event):
            said.append(arrival.event)
    return said


def speaks(event: Event) -> bool:
    """Whether an event is a verdict: somebody came in, or the root changed."""
    return event.session.id is not None or event.session.kind is not None or event.drift.kind is not None


def foreign(event: Event) -> bool:
    """Whether it happened in a container that is none of the self-test's."""
    path = event.proc.cgroup or ""
    return event.container.id not in (None, "host") and cgroups.PARENT not in path
