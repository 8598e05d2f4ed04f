"""Containers hold few capabilities.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].securityContext.capabilities.{add,drop}
Allowed, baseline: add only what a container runtime gives by default, but for NET_RAW;
    strict: drop contains ALL, and add has NET_BIND_SERVICE at most.

Names are compared as written: `CAP_SYS_ADMIN`, `sys_admin` and an unknown name are not in the list and are refused.
Some capabilities undo immutability itself, as `UNDOING` says one by one. None of them is in baseline's list, so that
`default` needs no rule of its own. What that list leaves (CHOWN, DAC_OVERRIDE, FOWNER, SETUID, MKNOD and their like)
overrides file modes and makes device nodes, but a write to a read-only mount still fails with EROFS, and the device
cgroup still refuses to open the node's disks.
Windows knows no capabilities (KEP-2802). Pod Security admission (>= 1.25) then asks for no drop, and in restricted does
not look at add either; here strict keeps baseline's rule for it, since spec.os is the author's word.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

ADDABLE = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
ADDABLE_STRICT = frozenset({"NET_BIND_SERVICE"})
UNDOING: Mapping[str, str] = MappingProxyType(
    {
        "ALL": "it contains every capability that undoes a read-only root",
        "SYS_ADMIN": "it can remount the root file system as writable",
        "SYS_PTRACE": "it can write into other processes and reach their files through /proc/PID/root",
        "SYS_MODULE": "it can load code into the kernel",
        "SYS_RAWIO": "it can write to memory, ports and disks below the file system",
        "SYS_BOOT": "it can boot another kernel with kexec",
        "DAC_READ_SEARCH": "it can open any file of the node by its handle",
        "LINUX_IMMUTABLE": "it can take the immutable and append-only flags off files",
        "MAC_ADMIN": "it can change the AppArmor or SELinux policy that confines it",
        "MAC_OVERRIDE": "it can ignore the security module that confines it",
        "BPF": "it can attach programs to the kernel that blind whoever watches",
        "PERFMON": "it can read the memory of the kernel and of other processes",
    }
)
"""Capability -> how it undoes what a read-only root file system promises (capabilities(7))."""


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each entry of add that a container runtime would not give by default."""
    return _added(pod, ADDABLE, "")


def check_strict(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each entry of add but NET_BIND_SERVICE, and for each container that does not drop ALL."""
    if pod.is_windows:
        return check(pod)
    found = _added(pod, ADDABLE_STRICT, "NET_BIND_SERVICE at most")
    for container in pod.containers:
        capabilities = container.security_context.capabilities
        dropped = capabilities.drop if capabilities else None
        if not dropped or "ALL" not in dropped:
            path = "securityContext.capabilities.drop"
            found.append(container.violation(path, shown(dropped), allowed='["ALL"]', fix='set drop: ["ALL"]'))
    return found


def _added(pod: containers.PodView, addable: frozenset[str], allowed: str) -> list[model.Violation]:
    found = []
    for container in pod.containers:
        capabilities = container.security_context.capabilities
        if capabilities and capabilities.add:
            for index, name in enumerate(capabilities.add):
                if name not in addable:
                    path = f"securityContext.capabilities.add[{index}]"
                    found.append(container.violation(path, shown(name), allowed=allowed, fix=_fix(name)))
    return found


def _fix(name: str) -> str:
    reason = UNDOING.get(name.upper().removeprefix("CAP_"))
    return f"remove it: {reason}" if reason else ""


CONTROL = Control(
    id="capabilities",
    title="Linux capabilities",
    why="Each capability is a piece of root; some remount what is read-only, load kernel code or open node files.",
    fields=(
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.capabilities.add",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.capabilities.drop",
    ),
    allowed=f"add only {', '.join(sorted(ADDABLE))}; in strict drop ALL and add NET_BIND_SERVICE at most",
    fix_hint="remove it from add; in strict set drop: [ALL] as well",
    rules=(Rule("baseline", 1, check), Rule("strict", 1, check_strict)),
    pod_security=("capabilities_baseline", "capabilities_restricted"),
)
