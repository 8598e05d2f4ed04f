"""Probes and lifecycle hooks go to the pod itself.

Fields: {livenessProbe,readinessProbe,startupProbe,lifecycle.postStart,lifecycle.preStop}.{httpGet,tcpSocket}.host of
    spec.{containers,initContainers,ephemeralContainers}[*]
Allowed: empty, null, absent.

The kubelet makes these requests from the node's network: with a host of the author's choice it asks services that only
the node reaches, such as its loopback and a cloud's metadata service (KEP-4940; Pod Security >= 1.34).
tcpSocket in a hook does nothing today and is judged as Pod Security admission judges it.
"""

from collections.abc import Iterator, Sequence

from webhook.policy import containers, model, pod
from webhook.policy.controls.control import Control, Rule, shown


def check(view: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each probe or hook that names a host."""
    found: list[model.Violation] = []
    for view_of_one in view.containers:
        container = view_of_one.container
        if container.liveness_probe:
            found += _hosts(view_of_one, "livenessProbe", container.liveness_probe)
        if container.readiness_probe:
            found += _hosts(view_of_one, "readinessProbe", container.readiness_probe)
        if container.startup_probe:
            found += _hosts(view_of_one, "startupProbe", container.startup_probe)
        if container.lifecycle:
            if container.lifecycle.post_start:
                found += _hosts(view_of_one, "lifecycle.postStart", container.lifecycle.post_start)
            if container.lifecycle.pre_stop:
                found += _hosts(view_of_one, "lifecycle.preStop", container.lifecycle.pre_stop)
    return found


def _hosts(container: containers.ContainerView, field: str, handler: pod.Handler) -> Iterator[model.Violation]:
    if handler.http_get and handler.http_get.host:
        yield container.violation(f"{field}.httpGet.host", shown(handler.http_get.host))
    if handler.tcp_socket and handler.tcp_socket.host:
        yield container.violation(f"{field}.tcpSocket.host", shown(handler.tcp_socket.host))


CONTROL = Control(
    id="host-probes",
    title="Probes of other hosts",
    why="The kubelet probes from the node's network, and so reaches for the author what only the node may reach.",
    fields=(
        "spec.{containers,initContainers,ephemeralContainers}[*].{livenessProbe,readinessProbe,startupProbe}.*.host",
        "spec.{containers,initContainers,ephemeralContainers}[*].lifecycle.{postStart,preStop}.*.host",
    ),
    allowed="empty or unset: the pod's own address",
    fix_hint="remove host; for another virtual host set the header Host in httpHeaders",
    rules=(Rule("baseline", 1, check),),
    pod_security=("hostProbesAndHostLifecycle",),
)
