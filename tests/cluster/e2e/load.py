"""A steady load: pods that are created one after the other while something else happens.

In: a bed and a namespace. Out: how many were sent, and what went wrong. Called by the tests of what must fail nobody.
"""

import threading
from typing import Self

from tests.cluster import beds, waiting
from tests.cluster.e2e import objects


class Load:
    """Pods that are created one after the other, as a dry run, until it is left; the failures are kept."""

    def __init__(self, bed: beds.Bed, namespace: str) -> None:
        self._bed, self._namespace = bed, namespace
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._create)
        self.sent = 0
        self.failures: list[str] = []

    def _create(self) -> None:
        while not self._over.is_set():
            said = objects.create(self._bed, self._namespace, objects.sealed("steady"), "--dry-run=server")
            self.sent += 1
            self.failures += [said.stderr] if said.returncode else []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def more(self, count: int = 10) -> None:
        """Wait for some more."""
        until = self.sent + count
        waiting.until(lambda: self.sent >= until, f"{count} more pods")
