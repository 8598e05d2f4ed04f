"""Only sysctls that stay inside the pod are set.

Fields: spec.securityContext.sysctls[*].name
Allowed: the names in `SAFE`.

A sysctl that is not namespaced changes the kernel of the whole node. The list is Pod Security admission's of 1.37; it
grew in 1.27, 1.29, 1.32 and 1.37. The form with slashes, which the kubelet takes too, is refused, as it is there.
"""

from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

SAFE = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each sysctl that is not known to stay inside the pod."""
    sysctls = pod.security_context.sysctls
    if not sysctls:
        return ()
    return [
        model.Violation(f"spec.securityContext.sysctls[{index}].name", shown(sysctl.name))
        for index, sysctl in enumerate(sysctls)
        if sysctl.name not in SAFE
    ]


CONTROL = Control(
    id="sysctls",
    title="Kernel settings",
    why="A sysctl that is not namespaced changes the kernel of the whole node.",
    fields=("spec.securityContext.sysctls[*].name",),
    allowed=", ".join(sorted(SAFE)),
    fix_hint="remove it, or let the node's administrator set it",
    rules=(Rule("baseline", 1, check),),
    pod_security=("sysctls",),
)
