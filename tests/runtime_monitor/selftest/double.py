"""A source of events that a test fills."""

import queue

from runtime_monitor import events
from runtime_monitor.selftest import container


class Double:
    """What was put into it comes out of `poll`; what was adopted is remembered."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[events.Event | Exception] = queue.SimpleQueue()
        self.adopted: list[container.Container] = []

    def poll(self, timeout: float) -> list[events.Event]:
        """One event, or none within the time."""
        try:
            event = self.events.get(timeout=timeout)
        except queue.Empty:
            return []
        if isinstance(event, Exception):
            raise event
        return [event]

    def adopt(self, made: container.Container) -> None:
        """Remember it."""
        self.adopted.append(made)
