"""Names of addresses: the Services of the cluster, from the API server.

In: a client, and Events with the ends of a socket. Out: the Event with `fd.lip.name` and `fd.rip.name`, the names that
cluster DNS gives an address. Called by the pipeline; the watch has a thread of its own. Nobody is asked for names:
neither a resolver, whose answers others write, nor the network, which the sensor has no need of.
"""

import logging
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct, field

from runtime_monitor.events import Event
from webhook import apiserver, watch

PATH = "/api/v1/services"
DOMAIN = "cluster.local"
"""What clusters call themselves unless they were told otherwise (kubelet's clusterDomain)."""
HEADLESS = "None"
log = logging.getLogger("podseal.services")


class Metadata(Struct, frozen=True):
    """Which Service."""

    name: str = ""
    namespace: str = ""


class Spec(Struct, frozen=True):
    """Its addresses in the cluster."""

    cluster_ips: tuple[str, ...] = field(name="clusterIPs", default=())


class ServiceObject(Struct, frozen=True):
    """A Service, as far as it is read (k8s.io/api/core/v1)."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()


class Services:
    """What is known of the cluster's Services."""

    def __init__(self) -> None:
        self._is_awaited = False
        self._known: dict[Metadata, tuple[str, ...]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._watch: watch.Watch[ServiceObject] | None = None

    def start(self, client: apiserver.Client) -> None:
        """Begin to follow them, in a thread of its own."""
        self._watch = watch.Watch(client, watch.Resource(PATH), ServiceObject, self)
        self._watch.start()

    def expect(self) -> None:
        """A connection is on its way: its first list is worth waiting for."""
        self._is_awaited = True

    def connect(self, kubeconfig: str | None) -> None:
        """Begin with the cluster that is configured; without one a line of the log says what is missed for it."""
        try:
            self.start(apiserver.connect(kubeconfig))
        except apiserver.Refused as refused:
            self._is_awaited = False
            log.warning("no names of Services are known: %s", refused)

    def stop(self) -> None:
        """End the watch at its next line."""
        if self._watch is not None:
            self._watch.stop()

    def has(self, event: Event) -> bool:
        """Whether nothing more of an event is to be waited for."""
        return event.fd.remote_address is None or not self._is_awaited

    def __call__(self, event: Event) -> Event:
        """The event with the names of its ends."""
        file = event.fd
        local = self._names.get(file.local_address or "")
        remote = self._names.get(file.remote_address or "")
        if local is None and remote is None:
            return event
        return msgspec.structs.replace(event, fd=msgspec.structs.replace(file, local_names=local, remote_names=remote))

    def listed(self, objects: Sequence[ServiceObject]) -> None:
        """The Services of now."""
        self._known = {each.metadata: each.spec.cluster_ips for each in objects}
        self._name()
        self._is_awaited = False

    def changed(self, changed: ServiceObject) -> None:
        """A Service is new or changed."""
        if self._known.get(changed.metadata) != changed.spec.cluster_ips:
            self._known[changed.metadata] = changed.spec.cluster_ips
            self._name()

    def deleted(self, deleted: ServiceObject) -> None:
        """A Service is gone, and its address with it."""
        self._known.pop(deleted.metadata, None)
        self._name()

    def heard(self) -> None:
        """The watch lives."""

    def failed(self) -> None:
        """The watch broke; what is known stays, but nothing is waited for."""
        self._is_awaited = False

    def _name(self) -> None:
        found: dict[str, tuple[str, ...]] = {}
        for service, addresses in self._known.items():
            for address in addresses:
                if address != HEADLESS:
                    found[address] = found.get(address, ()) + tuple(names(service))
        self._names = found


def names(service: Metadata) -> Iterable[str]:
    """The full name, and the one that does without the cluster's own."""
    short = f"{service.name}.{service.namespace}.svc"
    return (f"{short}.{DOMAIN}", short)
