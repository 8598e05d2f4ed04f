"""More expensive reviews than podseal can decide: what other API servers, or a hostile neighbour, might send.

In: an installation. Out: a `Flood` while it goes on. Called by the drill of overload.
"""

import contextlib
import http
import http.client
import json
import ssl
import threading
from collections.abc import Iterator

from tests.cluster import networks
from tests.cluster.e2e import installation, objects
from tests.webhook import bad_input, serving

CLIENTS = 64
CONTAINERS = 1500
"""As many as a review of a megabyte has room for; a decision about them takes a tenth of a second."""


class Flood:
    """How much of it was turned away so far."""

    def __init__(self, podseal: installation.Installation) -> None:
        self.count = 0
        self._port = podseal.entrance.port
        self._context = ssl.create_default_context(cafile=str(podseal.certificates / "ca.crt"))
        self._stopped = threading.Event()

    def run(self) -> None:
        """One client, which sends the review again and again on one connection."""
        body = expensive_review()
        while not self._stopped.is_set():
            connection = http.client.HTTPSConnection(networks.LOOPBACK, self._port, timeout=60, context=self._context)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                while not self._stopped.is_set():
                    connection.request("POST", "/validate?timeout=5s", body, serving.JSON)
                    response = connection.getresponse()
                    response.read()
                    self.count += response.status == http.HTTPStatus.TOO_MANY_REQUESTS

    def stop(self) -> None:
        """Let each client hear its answer."""
        self._stopped.set()


def expensive_review() -> bytes:
    """A review of a pod with very many containers."""
    review = json.loads(bad_input.GOOD)
    (container,) = objects.sealed("unused")["spec"]["containers"]
    spec = review["request"]["object"]["spec"]
    spec["containers"] = [container | {"name": f"c{number}"} for number in range(CONTAINERS)]
    return json.dumps(review).encode()


@contextlib.contextmanager
def flood(podseal: installation.Installation) -> Iterator[Flood]:
    """The flood while the block runs."""
    made = Flood(podseal)
    threads = [threading.Thread(target=made.run, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.stop()
        for thread in threads:
            thread.join(60)
