"""k8s.* and pod.*: in which pod, and what that pod may write. Source: the kubelet's and the runtime's data on the node.

`pod.rootfs_readonly` and `pod.allowed_path` are podseal's: what was admitted, beside what happens.
"""

from runtime_monitor.events import Event
from runtime_monitor.rules.fields.field import Argument, Field, Type, plain

LABELS = ("k8s.pod.labels",)


def _label(event: Event, name: str) -> str | None:
    return (event.pod.labels or {}).get(name)


def _labels(event: Event) -> str | None:
    labels = event.pod.labels
    return None if labels is None else ", ".join(f"{name}:{labels[name]}" for name in sorted(labels))


def _allowed_path(event: Event) -> bool | None:
    """Whether the path lies in a mount that the container may write: the deepest mount above it decides."""
    mounts, name = event.container.mounts, event.fd.name
    if mounts is None or name is None:
        return None
    deepest, writable = -1, event.container.rootfs_readonly is False
    for mount in mounts:
        destination = mount.destination.rstrip("/")
        if len(destination) > deepest and (name == destination or name.startswith(destination + "/")):
            deepest, writable = len(destination), mount.writable
    return writable


FIELDS = (
    plain("pod.name", "k8s.pod.name", Type.STRING, "Name of the pod."),
    plain("pod.namespace", "k8s.ns.name", Type.STRING, "Namespace of the pod."),
    plain("pod.uid", "k8s.pod.uid", Type.STRING, "Uid of the pod."),
    plain("pod.service_account", "k8s.pod.sa", Type.STRING, "Service account of the pod."),
    plain("pod.node", "k8s.node.name", Type.STRING, "Node of the pod."),
    plain("pod.pending", "k8s.pending", Type.BOOLEAN, "Whether the pod's data had not come within the bound."),
    Field(
        name="k8s.pod.label",
        type=Type.STRING,
        doc="One label: k8s.pod.label.app or k8s.pod.label[app.kubernetes.io/name].",
        needs=LABELS,
        read=_label,
        argument=Argument.KEY,
        dotted=True,
    ),
    Field(
        name="k8s.pod.labels",
        type=Type.STRING,
        doc="All labels: name:value, with commas between.",
        needs=LABELS,
        read=_labels,
    ),
    plain(
        "container.rootfs_readonly",
        "pod.rootfs_readonly",
        Type.BOOLEAN,
        "Whether the container's root file system was admitted read-only.",
    ),
    Field(
        name="pod.allowed_path",
        type=Type.BOOLEAN,
        doc="Whether fd.name lies where the container may write: a writable mount, or a writable root file system.",
        needs=("podseal.mounts", "pod.rootfs_readonly", "fd.name"),
        read=_allowed_path,
    ),
)
