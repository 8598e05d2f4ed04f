"""No Windows container is a process of the node.

Fields: spec.securityContext.windowsOptions.hostProcess and
    spec.{containers,initContainers,ephemeralContainers}[*].securityContext.windowsOptions.hostProcess
Allowed: false, null, absent.

A HostProcess container (KEP-1981) runs on the node itself, with its file system and its users: Windows' form of a
privileged container. The field is judged whatever spec.os says. windowsOptions merge field by field, so that one with
options of its own still inherits hostProcess; the pod's true is refused even where every container says false.
"""

from collections.abc import Sequence

from webhook.policy import containers, model, pod
from webhook.policy.controls.control import Control, Rule


def check(view: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container that is, or inherits being, a process of the node."""
    found = [
        container.violation("securityContext.windowsOptions.hostProcess", "true")
        for container in view.containers
        if _own(container)
    ]
    inherited = view.security_context.windows_options
    if inherited and inherited.host_process:
        heirs = [container for container in view.containers if not isinstance(_own(container), bool)]
        found += view.inherited("spec.securityContext.windowsOptions.hostProcess", "true", heirs)
    return found


def _own(container: containers.ContainerView) -> pod.OptionalBool:
    options = container.security_context.windows_options
    return options.host_process if options else None


CONTROL = Control(
    id="host-process",
    title="Windows HostProcess containers",
    why="A HostProcess container runs on the Windows node itself, with its files and its users.",
    fields=(
        "spec.securityContext.windowsOptions.hostProcess",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.windowsOptions.hostProcess",
    ),
    allowed="false or unset",
    fix_hint="remove hostProcess",
    rules=(Rule("baseline", 1, check),),
    pod_security=("windowsHostProcess",),
)
