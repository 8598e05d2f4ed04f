"""No container runs as uid 0.

Fields: runAsUser, runAsNonRoot and windowsOptions.runAsUserName of spec.securityContext and of
    spec.{containers,initContainers,ephemeralContainers}[*].securityContext
Allowed, default: a uid in force other than 0, or none said; strict: no uid 0 anywhere, and runAsNonRoot in force true,
    so that a uid which only the image knows is refused too.

Root in a container is the node's root wherever the container's walls have a hole, and no file mode inside holds it.
The uid in force is the container's where it is not null, else the pod's. Strict follows Pod Security admission, which
refuses a 0 or a false in the pod's securityContext even where every container overrides it.
runAsNonRoot does not undo an explicit 0: the kubelet then refuses to start the container, so the pod is refused here,
where its author sees why. An image whose USER is a name fails in the kubelet likewise; only the image shows that.
hostUsers: false lifts both rules: uid 0 inside is an unprivileged uid of the node (KEP-127; Pod Security >= 1.35).
Windows has no uid: there the kubelet takes ContainerAdministrator, in any case of letters, for root. Pod Security does
not look at it. It is judged whatever spec.os says, since spec.os is the author's word.
"""

from collections.abc import Iterator, Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

POD = "spec.securityContext."
OWN = "securityContext."
REFUSED_BY_KUBELET = "0, though runAsNonRoot is true: the kubelet would refuse to start it"
UNKNOWN = "not set, and no runAsUser: the image decides who runs"
WINDOWS_USER = "windowsOptions.runAsUserName"
WINDOWS_ROOT = "containeradministrator"
WINDOWS_FIX = "set windowsOptions.runAsUserName to ContainerUser"


def check(pod: containers.PodView) -> list[model.Violation]:
    """A violation for each container whose uid in force is said to be 0, or whose Windows user is the administrator."""
    found: list[model.Violation] = []
    pod_windows = pod.security_context.windows_options
    pod_user = None if pod.has_user_namespace else pod.security_context.run_as_user
    for container in pod.containers:
        own = container.security_context
        own_user = own.run_as_user
        if own_user == 0 and not pod.has_user_namespace:
            found.append(container.violation(f"{OWN}runAsUser", _zero(container)))
        elif pod_user == 0 and not isinstance(own_user, int):
            found.append(container.inherits(f"{POD}runAsUser", _zero(container)))
        if own.windows_options or pod_windows:
            found += _windows(container)
    return found


def _zero(container: containers.ContainerView) -> str:
    return REFUSED_BY_KUBELET if container.run_as_non_root else "0"


def _windows(container: containers.ContainerView) -> Iterator[model.Violation]:
    """A violation where the Windows user in force is the administrator."""
    own = container.security_context.windows_options
    inherited = container.pod_context.windows_options
    own_user = own.run_as_user_name if own else None
    pod_user = inherited.run_as_user_name if inherited else None
    if isinstance(own_user, str):
        if own_user.lower() == WINDOWS_ROOT:
            yield container.violation(f"{OWN}{WINDOWS_USER}", shown(own_user), fix=WINDOWS_FIX)
    elif pod_user and pod_user.lower() == WINDOWS_ROOT:
        yield container.inherits(f"{POD}{WINDOWS_USER}", shown(pod_user), fix=WINDOWS_FIX)


def check_strict(pod: containers.PodView) -> Sequence[model.Violation]:
    """What `check` sees, and each uid 0 or runAsNonRoot false anywhere, and each container without runAsNonRoot."""
    found = check(pod)
    if pod.has_user_namespace:
        return found
    if pod.security_context.run_as_user == 0 and not any(violation.path == f"{POD}runAsUser" for violation in found):
        found.append(model.Violation(f"{POD}runAsUser", "0"))
    pod_non_root = pod.security_context.run_as_non_root
    heirs = []
    for container in pod.containers:
        own = container.security_context.run_as_non_root
        if own is False:
            found.append(container.violation(f"{OWN}runAsNonRoot", "false"))
        elif own is not True and pod_non_root is not True:
            heirs.append(container)
    if pod_non_root is False:
        found += pod.inherited(f"{POD}runAsNonRoot", "false", heirs)
    else:
        found += [
            container.violation(f"{OWN}runAsNonRoot", UNKNOWN if container.run_as_user is None else "not set")
            for container in heirs
        ]
    return found


CONTROL = Control(
    id="run-as-root",
    title="Containers that run as root",
    why="Root inside is root on the node as soon as the container's walls have a hole, and may write every file.",
    fields=(
        "spec.securityContext.runAsUser",
        "spec.securityContext.runAsNonRoot",
        "spec.securityContext.windowsOptions.runAsUserName",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.runAsUser",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.runAsNonRoot",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.windowsOptions.runAsUserName",
    ),
    allowed="a uid other than 0; in strict runAsNonRoot: true as well; anything with hostUsers: false",
    fix_hint="set runAsNonRoot: true and a runAsUser other than 0",
    rules=(Rule("default", 1, check), Rule("strict", 1, check_strict)),
    pod_security=("runAsNonRoot", "runAsUser"),
)
