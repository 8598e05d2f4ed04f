"""/proc keeps its masks.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].securityContext.procMount
Allowed: Default, null, absent; with hostUsers: false any value in baseline and default.

The runtime hides and write-protects parts of /proc (kcore, sysrq-trigger, sys). Unmasked, a container changes the
node's kernel settings through them. In a user namespace the kernel itself refuses that, which is what Unmasked was made
for (KEP-4265): Pod Security >= 1.35 lets it pass there in baseline, and refuses it in restricted all the same.
"""

from collections.abc import Sequence

from msgspec import UNSET

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

MASKED = frozenset({UNSET, None, "Default"})


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container whose /proc is not masked, but for pods in a user namespace."""
    return () if pod.has_user_namespace else check_strict(pod)


def check_strict(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container whose /proc is not masked."""
    return [
        container.violation("securityContext.procMount", shown(container.security_context.proc_mount))
        for container in pod.containers
        if container.security_context.proc_mount not in MASKED
    ]


CONTROL = Control(
    id="proc-mount",
    title="Unmasked /proc",
    why="Without its masks /proc lets a container read the node's memory and change its kernel settings.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].securityContext.procMount",),
    allowed="Default or unset; with hostUsers: false any value below strict",
    fix_hint="remove procMount",
    rules=(Rule("baseline", 1, check), Rule("strict", 1, check_strict)),
    pod_security=("procMount", "procMount_restricted"),
)
