"""Something to be done every so often, in a thread of its own, for as long as the process lives.

In: a function. Out: its failures, counted and logged. Started by `webhook.cluster` in the process of the probes. A
chore that fails is done again at its next turn; one that hangs holds up no other.
"""

import logging
import random
import threading
from collections.abc import Callable

import msgspec

from webhook import apiserver, metrics

JITTER = 0.2
"""Share of the pause by which it varies: replicas that start together must not ask together."""
FIRST_PAUSE = 10.0
log = logging.getLogger("podseal.upkeep")


class Chore:
    """One chore. `work` may raise `apiserver.Refused`, a decoding error, or an `OSError` or `ValueError` of a file."""

    def __init__(self, name: str, seconds: float, work: Callable[[], None], figures: metrics.Upkeep) -> None:
        self.name = name
        self._seconds = seconds
        self._work = work
        self._figures = figures
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"upkeep-{name}", daemon=True)
        self._failure = ""

    def start(self) -> None:
        """Begin, in this process (threads do not survive a fork); the first turn comes within ten seconds."""
        self._thread.start()

    def stop(self) -> None:
        """No further turn."""
        self._stopped.set()

    def turn(self) -> None:
        """Do it once. The same failure again is counted, and not logged again."""
        try:
            self._work()
        except (apiserver.Refused, msgspec.DecodeError, OSError, ValueError) as error:
            self._figures.failed(self.name)
            if str(error) != self._failure:
                log.warning("upkeep failed: %s: %s", self.name, error)
            self._failure = str(error)
        else:
            self._failure = ""

    def _run(self) -> None:
        pause = random.uniform(0.0, min(FIRST_PAUSE, self._seconds))  # noqa: S311 -- no secret
        while not self._stopped.wait(pause):
            self.turn()
            pause = self._seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- no secret
