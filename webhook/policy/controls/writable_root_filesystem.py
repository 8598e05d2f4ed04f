"""Every container's root file system is read-only.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].securityContext.readOnlyRootFilesystem
Allowed: true. Null and absent mean writable: the field has no default, and none can be set on the pod.

What is read-only cannot be changed by `kubectl cp`, by an exec'd shell or by a break-in: the image stays what was
scanned and signed. Pod Security admission has no such check at any level.
Windows containers do not know the field (KEP-2802) and are not judged. A privileged container can remount its root,
whatever this field says: the control `privileged` speaks of that.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each container whose root file system is writable."""
    if pod.is_windows:
        return []
    return [
        container.violation(
            "securityContext.readOnlyRootFilesystem",
            "false" if container.security_context.read_only_root_filesystem is False else "not set, so writable",
        )
        for container in pod.containers
        if container.security_context.read_only_root_filesystem is not True
    ]


def fix(container: containers.ContainerView) -> model.Edit | None:
    """Null and absent become true; an explicit false was somebody's decision, and is refused instead."""
    if container.security_context.read_only_root_filesystem in (True, False):
        return None
    return model.SetReadOnlyRoot(container.kind, container.index)


CONTROL = Control(
    id="writable-root-filesystem",
    title="Writable root file systems",
    why="Whatever can be written can be changed: by kubectl cp, by an exec'd shell, by whoever breaks in.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].securityContext.readOnlyRootFilesystem",),
    allowed="true",
    fix_hint="set readOnlyRootFilesystem: true, and mount an emptyDir at each path that the program writes",
    rules=(Rule("default", 1, check),),
    fix=fix,
)
