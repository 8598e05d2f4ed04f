"""A steady load of pod creations, and what came of each.

In: a bed, a namespace, how many clients. Out: `Sample`s. Called by the drills. Clients keep their connections to the
API server, and their pods are dry runs: judged as all pods are, and gone at once. The pod is one that podseal repairs,
so a call of /mutate that fails open is seen as well: the pod is then refused.
"""

import contextlib
import http
import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster import beds, credentials, manifests, networks

SECONDS_FOR_ANSWER = 30.0


@dataclass(frozen=True)
class Sample:
    """One creation: when it began and ended, in seconds of the monotonic clock; empty error where it passed.

    `status` is the HTTP one, 0 where the API server gave none.
    """

    began: float
    ended: float
    status: int = http.HTTPStatus.CREATED
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the pod was let in."""
        return not self.error

    @property
    def unreachable(self) -> bool:
        """Whether the API server itself was away, or not yet ready: nobody asked podseal."""
        return self.status == 0 or (bool(self.error) and "webhook" not in self.error)


class Client:
    """One connection to the API server, opened anew when it broke."""

    def __init__(self, bed: beds.Bed) -> None:
        users = yaml.safe_load(bed.layout.kubeconfig.read_text())["users"]
        self._headers = {
            "Authorization": f"Bearer {users[0]['user']['token']}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._context = ssl.create_default_context(cafile=str(credentials.Files(bed.layout.keys).authority))
        self._port = bed.network.api_server_port
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            networks.LOOPBACK, self._port, timeout=SECONDS_FOR_ANSWER, context=self._context
        )

    def request(self, method: str, path: str, body: bytes) -> tuple[Sample, bytes]:
        """One request, and the text of its answer."""
        began = time.monotonic()
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._connection = self._connect()
            return Sample(began, time.monotonic(), 0, f"{type(error).__name__}: {error}"), b""
        ended = time.monotonic()
        if response.status < http.HTTPStatus.BAD_REQUEST:
            return Sample(began, ended, response.status), text
        return Sample(began, ended, response.status, _message(text)), text

    def create(self, namespace: str, pod: dict[str, Any]) -> Sample:
        """Create a pod as a dry run."""
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        return self.request("POST", path, json.dumps(pod).encode())[0]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")[:500] or "no text"


def repaired_pod() -> dict[str, Any]:
    """A pod that is let in only after /mutate and /validate."""
    pod = manifests.pod("unused", manifests.container(image=manifests.NGINX))
    return pod | {"metadata": {"generateName": "load-"}}


class Load:
    """Clients that create pods one after the other, each in a thread, until they are told to stop."""

    def __init__(self, bed: beds.Bed, namespace: str, pause: float, pod: dict[str, Any]) -> None:
        self.samples: list[Sample] = []
        self._bed = bed
        self._namespace = namespace
        self._pause = pause
        self._pod = pod
        self._stopped = threading.Event()

    def run(self) -> None:
        """One client."""
        with contextlib.closing(Client(self._bed)) as client:
            while not self._stopped.wait(self._pause):
                self.samples.append(client.create(self._namespace, self._pod))

    def stop(self) -> None:
        """Let each client finish its request."""
        self._stopped.set()

    def passed_since(self, moment: float) -> int:
        """How many creations that began later have passed."""
        return sum(each.passed and each.began > moment for each in tuple(self.samples))


@contextlib.contextmanager
def steady(
    bed: beds.Bed, namespace: str, clients: int = 4, pause: float = 0.02, pod: dict[str, Any] | None = None
) -> Iterator[Load]:
    """The load while the block runs; its samples are complete after it.

    Args:
        bed: the cluster.
        namespace: where the pods would be.
        clients: how many at once.
        pause: of each client between two creations, in seconds.
        pod: what they create; else one that podseal repairs.
    """
    load = Load(bed, namespace, pause, pod or repaired_pod())
    threads = [threading.Thread(target=load.run, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in threads:
            thread.join(2 * SECONDS_FOR_ANSWER)


def longest_gap(samples: list[Sample]) -> float:
    """The longest time in seconds in which no creation passed, between the first and the last that did."""
    ends = sorted(each.ended for each in samples if each.passed)
    return max((later - earlier for earlier, later in itertools.pairwise(ends)), default=0.0)
