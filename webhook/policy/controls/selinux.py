"""SELinux keeps the container's type, user and role.

Fields: seLinuxOptions.{type,user,role} of spec.securityContext and of
    spec.{containers,initContainers,ephemeralContainers}[*].securityContext
Allowed: type container_t, container_init_t, container_kvm_t, container_engine_t, empty or unset; user and role empty or
    unset. The level is free.

Another type, such as spc_t, is not confined at all, and user and role decide which types may be reached.
container_engine_t, for engines inside containers, came with Pod Security 1.31.
"""

from collections.abc import Sequence

from msgspec import UNSET

from webhook.policy import containers, model, pod
from webhook.policy.controls.control import Control, Rule, shown

TYPES = frozenset({UNSET, None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})


def check(view: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each type, user and role that is not a container's."""
    found = [
        container.violation(f"securityContext.seLinuxOptions.{field}", shown(value), fix=f"remove {field}")
        for container in view.containers
        if (options := container.security_context.se_linux_options)
        for field, value in _wrong(options)
    ]
    inherited = view.security_context.se_linux_options
    if inherited:
        heirs = [container for container in view.containers if not container.security_context.se_linux_options]
        for field, value in _wrong(inherited):
            path = f"spec.securityContext.seLinuxOptions.{field}"
            found += view.inherited(path, shown(value), heirs, fix=f"remove {field}")
    return found


def _wrong(options: pod.SELinuxOptions) -> list[tuple[str, object]]:
    fields: list[tuple[str, object]] = []
    if options.type not in TYPES:
        fields.append(("type", options.type))
    fields += [(name, value) for name, value in (("user", options.user), ("role", options.role)) if value]
    return fields


CONTROL = Control(
    id="selinux",
    title="SELinux options",
    why="A type such as spc_t is not confined; a user or role of one's own opens the way to it.",
    fields=(
        "spec.securityContext.seLinuxOptions.{type,user,role}",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seLinuxOptions.{type,user,role}",
    ),
    allowed="type unset, container_t, container_init_t, container_kvm_t or container_engine_t; user and role unset",
    fix_hint="remove the field",
    rules=(Rule("baseline", 1, check),),
    pod_security=("seLinuxOptions",),
)
