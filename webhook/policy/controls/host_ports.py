"""No container takes a port of the node.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].ports[*].hostPort
Allowed: 0, null, absent.

A port of the node is reached past the cluster's network policy, and can stand in the place of a service of the node.
With hostNetwork: true the API server sets each unset hostPort of a pod to its containerPort before it asks a webhook
(not for ephemeral containers, and not in a workload's template). That is done here too: `podseal check` and a template
then get the answer that the pod will get.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule

IMPLIED = "not set: with hostNetwork the API server makes it "


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each port of the node that a container takes."""
    found = []
    for container in pod.containers:
        if not container.container.ports:
            continue
        implied = pod.spec.host_network and container.kind != "ephemeralContainers"
        for index, port in enumerate(container.container.ports):
            if port.host_port:
                found.append(container.violation(f"ports[{index}].hostPort", f"{port.host_port}"))
            elif implied and port.container_port:
                found.append(container.violation(f"ports[{index}].hostPort", f"{IMPLIED}{port.container_port}"))
    return found


CONTROL = Control(
    id="host-ports",
    title="Ports of the node",
    why="A port of the node is reached past network policies, and can stand in for a service of the node.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].ports[*].hostPort",),
    allowed="0 or unset",
    fix_hint="remove hostPort, and hostNetwork where it is set; publish the port through a Service",
    rules=(Rule("baseline", 1, check),),
    pod_security=("hostPorts",),
)
