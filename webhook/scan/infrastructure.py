"""What a cluster needs a pod for, told by what the pod is: network, storage, DNS, cloud, or an agent on every node.

In: a pod and its owner. Out: a `Role` with the reason, or None. Called by `gather` before an installation. Names of
namespaces and labels say nothing here. It is a proposal for people: an image can be called anything, so that every
row names its evidence, and nothing is ever exempted by it.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from webhook.policy import containers, images, model
from webhook.scan import pods


class Role(Struct, frozen=True):
    """A purpose and its evidence. `needed` says that nodes or pods cannot start without it.

    If such a pod had to ask the webhook, and the webhook's pod needs it to start, neither would come up again.
    """

    name: str
    needed: bool
    reason: str


CNI = "network plugin (CNI)"
CSI = "storage driver (CSI)"
DNS = "cluster DNS"
CLOUD = "cloud controller"
SYSTEM = "Kubernetes itself"
DEVICES = "device plugin"
AGENT = "agent on every node"
NEEDED = frozenset({CNI, CSI, DNS, CLOUD, SYSTEM})

HOST_PATHS = (
    ("/etc/cni", CNI),
    ("/opt/cni", CNI),
    ("/run/cilium", CNI),
    ("/var/run/cilium", CNI),
    ("/var/run/calico", CNI),
    ("/run/openvswitch", CNI),
    ("/var/lib/kubelet/plugins", CSI),
    ("/var/lib/kubelet/plugins_registry", CSI),
    ("/var/lib/kubelet/device-plugins", DEVICES),
    ("/etc/kubernetes/pki", SYSTEM),
    ("/etc/kubernetes/manifests", SYSTEM),
    ("/var/lib/etcd", SYSTEM),
)
"""Path on the node -> who mounts it or a path below: the directories of the CNI and CSI conventions and the kubelet."""

REPOSITORIES = (
    ("calico/*", CNI),
    ("tigera/operator", CNI),
    ("cilium/*", CNI),
    ("flannel*/*", CNI),
    ("*/flannel*", CNI),
    ("*/antrea-*", CNI),
    ("*/weave-kube", CNI),
    ("*/weave-npc", CNI),
    ("*/kube-router", CNI),
    ("*/kube-ovn", CNI),
    ("*/kindnetd", CNI),
    ("*/multus-cni", CNI),
    ("*/amazon-k8s-cni*", CNI),
    ("*/azure-cns", CNI),
    ("*/azure-npm", CNI),
    ("*/csi-node-driver-registrar", CSI),
    ("*/csi-provisioner", CSI),
    ("*/csi-attacher", CSI),
    ("*/csi-resizer", CSI),
    ("*/csi-snapshotter", CSI),
    ("*/*-csi-driver", CSI),
    ("longhornio/*", CSI),
    ("rook/ceph", CSI),
    ("coredns", DNS),
    ("*/coredns", DNS),
    ("*/k8s-dns-*", DNS),
    ("*/kube-dns*", DNS),
    ("*/*cloud-controller-manager*", CLOUD),
    ("*/*cloud-node-manager*", CLOUD),
    ("*/kube-proxy*", SYSTEM),
    ("*/kube-apiserver*", SYSTEM),
    ("*/kube-controller-manager*", SYSTEM),
    ("*/kube-scheduler*", SYSTEM),
    ("*/k8s-device-plugin", DEVICES),
    ("*/gpu-operator", DEVICES),
)
"""Repository (a shell pattern, without the registry) -> role, for those that mount nothing that tells."""


def role(pod: pods.Pod, owner: pods.Owner) -> Role | None:
    """The role of a pod: the first that a node needs, else the first."""
    view = containers.PodView(pod, model.Options())
    found = [*_by_host_paths(view), *_by_images(view), *_by_privilege(view, owner)]
    return next((each for each in found if each.needed), found[0] if found else None)


def _by_host_paths(view: containers.PodView) -> Iterator[Role]:
    for path in _host_paths(view):
        for prefix, name in HOST_PATHS:
            if path == prefix or path.startswith(f"{prefix}/"):
                yield Role(name, name in NEEDED, f"mounts {path} of the node")


def _by_images(view: containers.PodView) -> Iterator[Role]:
    for container in view.containers:
        image = container.container.image or ""
        repository = images.repository(image) if image else ""
        # A private registry mirrors below a path of its own: the last two parts are what was published.
        tail = "/".join(repository.split("/")[-2:])
        for pattern, name in REPOSITORIES:
            if any(fnmatchcase(each, pattern) for each in (repository, tail, f"/{repository}")):
                yield Role(name, name in NEEDED, f"runs the image {image}")


def _by_privilege(view: containers.PodView, owner: pods.Owner) -> Iterator[Role]:
    if owner.kind != "DaemonSet":
        return
    if any(each.security_context.privileged for each in view.containers):
        yield Role(AGENT, needed=False, reason="a DaemonSet with a privileged container")
    elif view.spec.host_network or view.spec.host_pid:
        yield Role(AGENT, needed=False, reason="a DaemonSet in the namespaces of the node")
    elif any(_host_paths(view)):
        yield Role(AGENT, needed=False, reason=f"a DaemonSet that mounts {next(_host_paths(view))} of the node")


def _host_paths(view: containers.PodView) -> Iterator[str]:
    for volume in view.spec.volumes or ():
        if volume.host_path:
            yield f"/{volume.host_path.path.strip('/')}"
