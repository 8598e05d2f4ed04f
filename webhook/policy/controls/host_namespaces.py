"""The pod has network, process and IPC namespaces of its own.

Fields: spec.hostNetwork, spec.hostPID, spec.hostIPC
Allowed: false, null, absent.

In the node's namespaces a pod sees the node's processes with their root file systems, its loopback services and its
shared memory: read-only mounts do not hold what another process may be told to write.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each namespace that the pod shares with the node."""
    spec = pod.spec
    if not (spec.host_network or spec.host_pid or spec.host_ipc):
        return ()
    fields = (
        ("spec.hostNetwork", spec.host_network),
        ("spec.hostPID", spec.host_pid),
        ("spec.hostIPC", spec.host_ipc),
    )
    return [model.Violation(path, "true", fix=f"remove {path.removeprefix('spec.')}") for path, on in fields if on]


CONTROL = Control(
    id="host-namespaces",
    title="The node's namespaces",
    why="Inside the node's namespaces a pod reaches the node's processes, their files, and services on its loopback.",
    fields=("spec.hostNetwork", "spec.hostPID", "spec.hostIPC"),
    allowed="false or unset",
    fix_hint="remove the field; publish ports through a Service",
    rules=(Rule("baseline", 1, check),),
    pod_security=("hostNamespaces",),
)
