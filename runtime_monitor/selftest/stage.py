"""The stage: what a behaviour finds when it is played.

In: a running container. Out: ways to act in it, and other containers for behaviours that need one of their own. Called
by the behaviours.
"""

import contextlib
import os
import select
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runtime_monitor.selftest import entry
from runtime_monitor.selftest.container import Configuration, Container, running

HOME = "/opt/podseal-selftest"
"""A folder of the container's root, there from the start, in which behaviours write."""


PATIENCE = 10.0
"""Seconds to wait for what must come."""


@dataclass(frozen=True)
class Stage:
    """A container and how to act in it."""

    container: Container

    def execute(
        self, *arguments: str, streams: entry.Streams | None = None, way: entry.Way = entry.EXEC
    ) -> entry.Result:
        """Run a program in the container, as `kubectl exec` does.

        Raises `entry.NotHereError` where the host, whose root the container shows, lacks the program.
        """
        if shutil.which(arguments[0], path=entry.ENVIRONMENT["PATH"]) is None and not arguments[0].startswith("/"):
            raise entry.NotHereError(f"there is no {arguments[0]} here")
        return entry.execute(self.container, arguments, streams, way)

    def call(self, function: Callable[[], object], way: entry.Way = entry.EXEC) -> entry.Result:
        """Run a Python function in the container, without any exec."""
        return entry.call(self.container, function, way)

    def end(self) -> None:
        """Send the entry point a line and wait until it has ended.

        Raises `TriggerError` after ten seconds.
        """
        with os.fdopen(os.pidfd_open(self.container.pid), "rb") as process:
            os.write(self.container.stdin, b"\n")
            if not select.select([process], [], [], PATIENCE)[0]:
                raise entry.TriggerError(f"the container did not end within {PATIENCE:.0f} s")

    def inheriting(self, *descriptors: int) -> entry.Way:
        """The way of an exec into which descriptors of the host leak."""
        return entry.Way(inherit=descriptors)

    @contextlib.contextmanager
    def other(self, configuration: Configuration) -> Iterator["Stage"]:
        """A stage with another container, made as `configuration` says."""
        with running(configuration) as made:
            yield Stage(made)
