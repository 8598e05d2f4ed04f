"""exec_gate(subject, policy) -> GateVerdict: whether somebody may reach into what is running.

In: a CONNECT, or an UPDATE of a pod, and the policy of its namespace. Out: allow, record or deny, what was done, why.
Called by the webhook's app for `/connect` and `/validate`. A denial can be broken through by who holds the verb
`break-glass` on `execsessions.podseal.dev`; to ask for that right, and to record, is the caller's.

exec, attach, a new ephemeral container and another image in a running pod all bring code in, and follow the label
`podseal.dev/exec`; port-forward and the proxies of pods and services follow `podseal.dev/connect`. The proxy of a node
reaches the kubelet's own API, where a GET is an exec on every pod of the node (kubernetes/kubernetes#136550): it passes
for the paths that only tell something.
"""

import posixpath
from urllib.parse import unquote

from webhook.policy import containers, model, pod

ACTIONS = {
    "PodExecOptions": "exec",
    "PodAttachOptions": "attach",
    "PodPortForwardOptions": "port-forward",
    "PodProxyOptions": "pods/proxy",
    "ServiceProxyOptions": "services/proxy",
    "NodeProxyOptions": "nodes/proxy",
}
READING_PATHS = frozenset({"metrics", "healthz", "stats", "configz", "pods"})
"""First segments of kubelet paths that run nothing (k8s.io/kubernetes/pkg/kubelet/server)."""

NOTHING = model.GateVerdict("allow")


def exec_gate(subject: model.Subject, policy: model.Policy) -> model.GateVerdict:
    """Whether this request may pass, must be recorded, or is refused."""
    if subject.operation == "CONNECT":
        return _connect(subject, policy)
    if subject.operation != "UPDATE" or subject.kind != "Pod" or subject.pod is None or subject.old_pod is None:
        return NOTHING
    if not changed_containers(subject):
        return NOTHING
    action = "debug" if subject.subresource == "ephemeralcontainers" else "image change"
    return _follow(policy.exec, action, "podseal.dev/exec")


def changed_containers(subject: model.Subject) -> list[str]:
    """The containers that an UPDATE adds to a running pod, or whose image it changes."""
    if subject.pod is None or subject.old_pod is None:
        return []
    before = _images(subject.old_pod)
    return [name for (kind, name), image in _images(subject.pod).items() if before.get((kind, name), NOTHING) != image]


def _connect(subject: model.Subject, policy: model.Policy) -> model.GateVerdict:
    action = ACTIONS.get(subject.kind, subject.kind)
    if action in ("exec", "attach"):
        return _follow(policy.exec, action, "podseal.dev/exec")
    if action != "nodes/proxy":
        # A kind of CONNECT that is yet unknown follows the looser label, and is told.
        return _follow(policy.connect, action, "podseal.dev/connect")
    path = subject.connect.path if subject.connect else ""
    if only_reads(path):
        return model.GateVerdict("allow", action)
    return model.GateVerdict("deny", action, f"the kubelet path {path!r} can run commands in every pod of the node")


def _follow(gate: model.Gate, action: str, label: str) -> model.GateVerdict:
    return model.GateVerdict(gate, action, f"{label} is {gate} for this namespace" if gate == "deny" else "")


def only_reads(path: str) -> bool:
    """Whether a kubelet path, as NodeProxyOptions carries it, stays among those that run nothing.

    The API server hands the path to admission as it was sent, and cleans it afterwards (tried: `/metrics/../run`,
    `%2e%2e`, `//run`). It is decoded once and cleaned here as there; one that would mean something else
    when decoded again, or that has a control character or a backslash, is none of ours to interpret.
    """
    once = unquote(path)
    if unquote(once) != once or any(ord(each) < ord(" ") or each in "\\\x7f" for each in once):
        return False
    cleaned = posixpath.normpath("/" + once.lstrip("/"))
    return cleaned.split("/")[1] in READING_PATHS


def node_name(name: str) -> str:
    """The node in a proxy's target, which may be written `https:node:10250`."""
    parts = name.split(":")
    return parts[1] if len(parts) == len(("scheme", "node", "port")) else parts[0]


def _images(subject: pod.Pod) -> dict[tuple[str, str], object]:
    view = containers.PodView(subject, model.Options())
    return {(each.kind, each.name): each.container.image for each in view.containers}
