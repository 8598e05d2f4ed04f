"""No process gains more privileges than its parent.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].securityContext.allowPrivilegeEscalation
Allowed: false. Null and absent mean true.

false sets no_new_privs: set-user-ID programs and file capabilities then give nothing, so that a uid other than 0 stays
what it is. The API server refuses false beside privileged: true or an added SYS_ADMIN, so those go first; for the same
reason nothing sets this field by mutation.
Windows containers do not know the field (KEP-2802; Pod Security >= 1.25).
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule

CONTRADICTED = frozenset({"SYS_ADMIN", "CAP_SYS_ADMIN"})
FIRST = "remove privileged and SYS_ADMIN first, beside which the API server refuses false; then set it to false"


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container whose processes may gain privileges."""
    if pod.is_windows:
        return ()
    return [
        container.violation(
            "securityContext.allowPrivilegeEscalation",
            "true" if container.security_context.allow_privilege_escalation else "not set, so true",
            fix=_fix(container),
        )
        for container in pod.containers
        if container.security_context.allow_privilege_escalation is not False
    ]


def _fix(container: containers.ContainerView) -> str:
    capabilities = container.security_context.capabilities
    added = (capabilities.add or ()) if capabilities else ()
    contradicted = container.security_context.privileged or not CONTRADICTED.isdisjoint(added)
    return FIRST if contradicted else ""


CONTROL = Control(
    id="privilege-escalation",
    title="Privilege escalation",
    why="A set-user-ID program in the image makes root of any user, unless no_new_privs is set.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].securityContext.allowPrivilegeEscalation",),
    allowed="false",
    fix_hint="set allowPrivilegeEscalation: false",
    rules=(Rule("strict", 1, check),),
    pod_security=("allowPrivilegeEscalation",),
)
