"""More expensive reviews than podseal can decide: what other API servers, or a hostile neighbour, might send.

In: an installation. Out: a process that floods its replicas while a block runs. Called by the drill of overload. It is
a process of its own, so that it takes no time from the clients that create pods and from the balancer.
"""

import contextlib
import http.client
import json
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator

from tests.cluster import networks
from tests.cluster.e2e import installation, objects
from tests.webhook import bad_input, serving

CLIENTS = 96
CONTAINERS = 6000
"""A decision about so many takes a tenth of a second."""
PATIENCE = "timeout=1s"
"""As the API server tells its own: a share of it is the longest wait."""
TURNED_AWAY = re.compile(r'^podseal_requests_total\{.*outcome="overloaded"\} ([0-9.]+)$', re.MULTILINE)


@contextlib.contextmanager
def flood(podseal: installation.Installation) -> Iterator[None]:
    """The flood while the block runs."""
    ports = [str(replica.server.port) for replica in podseal.replicas]
    command = [sys.executable, "-m", "tests.drills.flood", str(podseal.certificates / "ca.crt"), *ports]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def turned_away(podseal: installation.Installation) -> int:
    """How many requests the replicas have turned away, by their metrics."""
    texts = (replica.server.probe("/metrics")[1] for replica in podseal.replicas)
    return sum(int(float(count)) for text in texts for count in TURNED_AWAY.findall(text))


def expensive_review() -> bytes:
    """A review of a pod with very many containers."""
    review = json.loads(bad_input.GOOD)
    (container,) = objects.sealed("unused")["spec"]["containers"]
    spec = review["request"]["object"]["spec"]
    spec["containers"] = [container | {"name": f"c{number}"} for number in range(CONTAINERS)]
    return json.dumps(review).encode()


def main(trust: str, ports: list[str]) -> None:
    """Flood until killed."""
    body, context = expensive_review(), ssl.create_default_context(cafile=trust)

    def send(port: int) -> None:
        while True:
            connection = http.client.HTTPSConnection(networks.LOOPBACK, port, timeout=60, context=context)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                while True:
                    connection.request("POST", f"/validate?{PATIENCE}", body, serving.JSON)
                    connection.getresponse().read()

    threads = [threading.Thread(target=send, args=(int(ports[n % len(ports)]),)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
