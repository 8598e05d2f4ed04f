"""Podseal on a bed as the chart installs it, but for pods and Services: replicas behind a balancer, registered by URL.

In: a bed and a folder. Out: an `Installation`, from which replicas leave and to which they come. Called by the fixture
`podseal` (conftest), by the drills and by the benchmark of latency. `PODSEAL_SERVE_…` of the environment play no part.
"""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import beds, manifests, processes, waiting
from tests.cluster.e2e import balancer, registration, shipped
from tests.manifests import chart
from tests.webhook import serving

PRESTOP_SECONDS = 1.0
"""The chart has 5: a balancer on this machine knows within a tenth of a second what a node's proxy learns later."""
PROBE_NAMESPACE = "default"
OWN_NAMESPACE = chart.NAMESPACE
"""The chart's own; podseal is never asked about its pods."""
ACCOUNT = "podseal-webhook"


@dataclass(eq=False)
class Replica:
    """One `podseal serve` of an installation."""

    server: serving.Server
    backend: balancer.Backend
    ending: contextlib.ExitStack

    def kill_worker(self) -> None:
        """SIGKILL to a worker."""
        _kill({min(self.server.workers())})

    def kill(self) -> None:
        """SIGKILL to all of its processes, as when its container is killed."""
        _kill({self.server.process.pid, *self.server.children()})
        self.server.process.wait(30)


def _kill(pids: set[int]) -> None:
    """SIGKILL, and wait until they are gone: the kernel closes their connections a moment after the signal."""
    victims = [processes.identify(pid) for pid in pids]
    for each in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)
    waiting.until(lambda: not any(each.alive() for each in victims), "the end of what was killed")


@dataclass
class Installation:
    """What runs and what is registered; `values` are of the chart, `options` of `podseal serve`."""

    bed: beds.Bed
    folder: Path
    values: Mapping[str, Any]
    options: tuple[str, ...] = ()
    entrance: balancer.Balancer = field(default_factory=balancer.Balancer)
    replicas: list[Replica] = field(default_factory=list)

    @property
    def certificates(self) -> Path:
        """The folder of `podseal-certs`."""
        return self.folder / "certs"

    @property
    def trust(self) -> bytes:
        """What belongs into the caBundle now."""
        return (self.certificates / "ca.crt").read_bytes()

    def certs(self, *arguments: str) -> None:
        """Run podseal-certs on the folder of certificates."""
        subprocess.run(self._certs(arguments), capture_output=True, check=True)

    def tries_certs(self, *arguments: str) -> bool:
        """Whether podseal-certs did it: what is not yet due it refuses."""
        return subprocess.run(self._certs(arguments), capture_output=True, check=False).returncode == 0

    def _certs(self, arguments: tuple[str, ...]) -> list[str]:
        return [str(serving.PODSEAL.with_name("podseal-certs")), *arguments, f"--dir={self.certificates}"]

    def add_replica(self, *program: str) -> Replica:
        """Start a replica, of another program than `podseal` if one is given, and wait until it gets connections."""
        ending = contextlib.ExitStack()
        kubeconfig = shipped.kubeconfig(self.bed, ACCOUNT, self.folder / "kubeconfig")
        options = (f"--kubeconfig={kubeconfig}", f"--config={self._config()}", *self.options)
        server = ending.enter_context(serving.serve(self.certificates, *options, program=program))
        replica = Replica(server, balancer.Backend(server.port, server.is_ready), ending)
        self.replicas.append(replica)
        self.entrance.add(replica.backend)
        waiting.until(lambda: self.entrance.knows_as_ready(replica.backend), "the balancer to know the replica")
        return replica

    def _config(self) -> Path:
        """The files of the chart's ConfigMap; podseal.yaml among them."""
        folder = self.folder / "config"
        folder.mkdir(exist_ok=True)
        for name, text in chart.one(chart.objects(self.values), "ConfigMap", "podseal")["data"].items():
            (folder / name).write_text(text)
        return folder / "podseal.yaml"

    def retire(self, replica: Replica) -> None:
        """Let a replica leave as a deleted pod does: out of the Service, the preStop pause, SIGTERM, its end."""
        self.entrance.remove(replica.backend)
        # The chart's preStop hook is a pause and nothing else; no condition ends it earlier.
        with contextlib.suppress(subprocess.TimeoutExpired):
            replica.server.process.wait(PRESTOP_SECONDS)
        self.forget(replica)

    def forget(self, replica: Replica) -> None:
        """Stop what is left of a replica and of its place in the balancer."""
        self.entrance.remove(replica.backend)
        if replica in self.replicas:
            self.replicas.remove(replica)
        replica.ending.close()

    def register(self, trust: bytes = b"") -> None:
        """Create or change the webhook configurations; without a trust, with the authorities in the folder."""
        rendered = chart.objects(self.values)
        objects = registration.by_url(rendered, self.entrance.address, trust or self.trust)
        self.bed.apply({"apiVersion": "v1", "kind": "List", "items": objects})

    def await_guard(self) -> None:
        """Wait until the API server asks: it learns of a new configuration by a watch."""
        waiting.until(lambda: "[privileged]" in self._refusal(), "podseal to be asked")

    def withdraw(self) -> None:
        """Delete the webhook configurations, and wait until the API server knows."""
        self.bed.admin("delete", "--ignore-not-found", *registration.NAMES)
        waiting.until(lambda: not self._refusal(), "podseal not to be asked")

    def _refusal(self) -> str:
        """What kubectl says to a privileged pod, empty where it may come."""
        pod = json.dumps(manifests.pod("probe", manifests.container(securityContext={"privileged": True})))
        arguments = ("create", "--dry-run=server", "--filename=-", "--namespace", PROBE_NAMESPACE)
        return self.bed.kubectl("admin", *arguments, stdin=pod).stderr


@contextlib.contextmanager
def install(
    bed: beds.Bed, folder: Path, values: Mapping[str, Any] | None = None, *options: str, replicas: int = 2
) -> Iterator[Installation]:
    """Podseal, asked by the API server; at the end nothing of it is left.

    Args:
        bed: the cluster.
        folder: an empty one, for certificates.
        values: of the chart.
        options: further ones for `podseal serve`.
        replicas: how many at first.
    """
    made = Installation(bed, folder, values or {}, options)
    made.certs("init")
    made.entrance.start()
    with shipped.applied(bed, chart.objects(made.values, "--include-crds")):
        try:
            for _ in range(replicas):
                made.add_replica()
            made.register()
            made.await_guard()
            yield made
        finally:
            made.withdraw()
            for replica in tuple(made.replicas):
                made.forget(replica)
            made.entrance.stop()
