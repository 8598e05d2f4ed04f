"""No container is privileged.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].securityContext.privileged
Allowed: false, null, absent.

A privileged container holds every capability and sees every device: it remounts a read-only root file system as
writable and reaches the node's disks, so that nothing else said about it holds.
Windows refuses the field at validation (KEP-2802); it is judged there all the same, since its os is the user's word.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container that is privileged."""
    return [
        container.violation("securityContext.privileged", "true")
        for container in pod.containers
        if container.security_context.privileged
    ]


CONTROL = Control(
    id="privileged",
    title="Privileged containers",
    why="A privileged container holds every capability and device of the node, and can remount what was read-only.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].securityContext.privileged",),
    allowed="false or unset",
    fix_hint="remove privileged; add the single capability that is needed instead",
    rules=(Rule("baseline", 1, check),),
    pod_security=("privileged",),
)
