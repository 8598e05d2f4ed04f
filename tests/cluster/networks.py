"""The addresses and ports of one bed, all derived from one number.

In: a number that no other bed on the machine uses. Out: ports and subnets. Read by control_plane, node and teardown.
"""

import collections.abc
import contextlib
import dataclasses
import random
import socket
import subprocess

LOOPBACK = "127.0.0.1"
# Virtual: no kube-proxy runs, only this one address is served in pods (service_relay).
SERVICE_SUBNET = "10.0.0.0/24"
KUBERNETES_SERVICE = "10.0.0.1"

# Below Linux's range of ephemeral ports, so that no outgoing connection takes a port while its server restarts.
_FIRST_PORT = 20_000
_PORTS_PER_BED = 4
_BEDS = 1024


@dataclasses.dataclass(frozen=True)
class Network:
    """Ports on the loopback and the pods' subnet."""

    number: int

    def _port(self, offset: int) -> int:
        return _FIRST_PORT + self.number * _PORTS_PER_BED + offset

    @property
    def api_server_port(self) -> int:
        """HTTPS of the API server."""
        return self._port(0)

    @property
    def kubelet_port(self) -> int:
        """HTTPS of the kubelet."""
        return self._port(1)

    @property
    def etcd_port(self) -> int:
        """Where the API server reaches etcd."""
        return self._port(2)

    @property
    def etcd_peer_port(self) -> int:
        """Where etcd would meet its peers: it has none, and insists."""
        return self._port(3)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{LOOPBACK}:{self.api_server_port}"

    @property
    def _pods(self) -> str:
        return f"10.{64 + self.number // 256}.{self.number % 256}"

    @property
    def pod_subnet(self) -> str:
        """The addresses of pods; the host reaches them, they reach each other."""
        return f"{self._pods}.0/24"

    @property
    def pod_gateway(self) -> str:
        """The host's address on every pod's veth."""
        return f"{self._pods}.1"

    def free(self) -> bool:
        """Say whether nothing on this machine uses the ports and the subnet."""
        return all(_bindable(self._port(offset)) for offset in range(_PORTS_PER_BED)) and not _routed(self.pod_subnet)


def choose() -> Network:
    """Return a network that is free now, at random so that two beds that start at once differ."""
    numbers: collections.abc.Iterable[int] = random.sample(range(_BEDS), k=_BEDS)
    return next(network for network in map(Network, numbers) if network.free())


def _bindable(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _routed(subnet: str) -> bool:
    command = ["ip", "-4", "route", "show", "table", "all", "root", subnet]
    return bool(subprocess.run(command, capture_output=True, check=True).stdout.strip())
