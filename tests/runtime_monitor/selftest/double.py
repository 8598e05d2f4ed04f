"""A source of events that a test fills."""

import queue

from runtime_monitor import events


class Double:
    """What was put into it comes out of `poll`."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[events.Event | Exception] = queue.SimpleQueue()

    def poll(self, timeout: float) -> list[events.Event]:
        """One event, or none within the time."""
        try:
            event = self.events.get(timeout=timeout)
        except queue.Empty:
            return []
        if isinstance(event, Exception):
            raise event
        return [event]
