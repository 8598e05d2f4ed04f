"""System calls are filtered.

Fields: spec.securityContext.seccompProfile and
    spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seccompProfile
Allowed, baseline: type RuntimeDefault or Localhost, or no profile; strict: a profile in force of one of these types.

Without a filter every system call of the kernel is open to a break-in. Unset means Unconfined unless the node's kubelet
has seccompDefault on, which a pod cannot see: therefore strict wants it said.
The container's profile wins over the pod's; the pod's Unconfined is refused even where every container overrides it.
Windows does not know the field (KEP-2802). Pod Security admission (>= 1.25) then does not look at it in restricted, not
even for what baseline refuses; here strict keeps baseline's rule for it, since spec.os is the author's word.
The alpha annotations have had no effect since 1.27, and Pod Security >= 1.19 does not read them.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

FILTERED = frozenset({"RuntimeDefault", "Localhost"})


def check(pod: containers.PodView) -> list[model.Violation]:
    """A violation for each profile that filters nothing."""
    found = [
        container.violation("securityContext.seccompProfile.type", shown(profile.type))
        for container in pod.containers
        if (profile := container.security_context.seccomp_profile) and profile.type not in FILTERED
    ]
    inherited = pod.security_context.seccomp_profile
    if inherited and inherited.type not in FILTERED:
        heirs = [container for container in pod.containers if not container.security_context.seccomp_profile]
        found += pod.inherited("spec.securityContext.seccompProfile.type", shown(inherited.type), heirs)
    return found


def check_strict(pod: containers.PodView) -> Sequence[model.Violation]:
    """What `check` sees, and a violation for each container without a profile in force."""
    found = check(pod)
    if not pod.is_windows and not pod.security_context.seccomp_profile:
        found += [
            container.violation("securityContext.seccompProfile", "not set")
            for container in pod.containers
            if not container.security_context.seccomp_profile
        ]
    return found


CONTROL = Control(
    id="seccomp",
    title="Seccomp profiles",
    why="Without a filter every system call of the node's kernel is open to whoever breaks in.",
    fields=(
        "spec.securityContext.seccompProfile.type",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seccompProfile.type",
    ),
    allowed="RuntimeDefault or Localhost; unset too, but not in strict",
    fix_hint="set seccompProfile: {type: RuntimeDefault} in the pod's securityContext",
    rules=(Rule("baseline", 1, check), Rule("strict", 1, check_strict)),
    pod_security=("seccompProfile_baseline", "seccompProfile_restricted"),
)
