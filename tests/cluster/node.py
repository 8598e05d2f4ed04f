"""The node: containerd, its network, and the kubelet.

In: a bed's layout and network. Out: configuration files and argv. Called by bed.
"""

import json
import pathlib
import subprocess
import sys
from typing import Any

import yaml

from tests.cluster import build, credentials, images, layouts, networks, service_relay, users

CONTAINERD = "containerd"
KUBELET = "kubelet"
RELAY = "service-relay"
_EVICTION_SIGNALS = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available")
CNI_PLUGINS = pathlib.Path("/usr/lib/cni")


def configure(layout: layouts.Layout, network: networks.Network) -> None:
    """Write the configuration of containerd, its network plugins and the kubelet."""
    for folder in (layout.node / "containerd", _network_folder(layout), _plugins(layout), layout.node / "kubelet"):
        folder.mkdir(parents=True)
    _containerd_file(layout).write_text(_containerd_configuration(layout))
    _kubelet_file(layout).write_text(yaml.safe_dump(_kubelet_configuration(layout, network)))
    (_network_folder(layout) / "bed.conflist").write_text(json.dumps(_network_configuration(layout, network), indent=1))
    for plugin in ("ptp", "host-local", "loopback"):
        (_plugins(layout) / plugin).symlink_to(CNI_PLUGINS / plugin)
    service_relay.write_plugin(_plugins(layout) / service_relay.PLUGIN)


def containerd(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return containerd's argv."""
    del network
    return ["/usr/bin/containerd", f"--config={_containerd_file(layout)}"]


def kubelet(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return the kubelet's argv."""
    del network
    return [
        str(build.find(KUBELET)),
        f"--config={_kubelet_file(layout)}",
        f"--kubeconfig={layout.kubeconfig_of(users.KUBELET.name)}",
        f"--root-dir={layout.node / 'kubelet'}",
        f"--cert-dir={layout.node / 'kubelet' / 'pki'}",
        f"--hostname-override={layouts.NODE_NAME}",
        f"--node-ip={networks.LOOPBACK}",
    ]


def relay(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return the argv of the relay that serves the API server's cluster IP in every pod."""
    return [sys.executable, "-I", service_relay.__file__, str(layout.relay_socket), str(network.api_server_port)]


def import_images(layout: layouts.Layout, archive: pathlib.Path) -> None:
    """Give the node the images of an archive, by their tags and by `repository@digest`.

    Raises:
        RuntimeError: containerd refused it; the text is its reason.
    """
    _ctr(layout, "images", "import", str(archive))
    digests = image_digests(layout)
    for reference, digest in digests.items():
        # A pull would store both names; an import stores the tag alone, and pinned images would not be found.
        pinned = pin(reference, digest)
        if pinned not in digests:
            _ctr(layout, "images", "tag", reference, pinned)


def image_digests(layout: layouts.Layout) -> dict[str, str]:
    """Return the node's images: reference -> digest of the manifest."""
    rows = (line.split() for line in _ctr(layout, "images", "list").splitlines()[1:])
    return {row[0]: row[2] for row in rows if not row[0].startswith("sha256:")}


def pin(reference: str, digest: str) -> str:
    """Return `repository@digest` for a reference with a tag or a digest."""
    repository, _, last = reference.partition("@")[0].rpartition("/")
    return f"{repository}/{last.partition(':')[0]}@{digest}"


def answers(layout: layouts.Layout) -> bool:
    """Say whether containerd answers on its socket."""
    try:
        _ctr(layout, "version")
    except RuntimeError:
        return False
    return True


def _ctr(layout: layouts.Layout, *arguments: str) -> str:
    command = ["/usr/bin/ctr", f"--address={layout.containerd_socket}", "--connect-timeout=1s", "--namespace=k8s.io"]
    outcome = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise RuntimeError(f"ctr {' '.join(arguments)}: {outcome.stderr.strip()}")
    return outcome.stdout


def _containerd_file(layout: layouts.Layout) -> pathlib.Path:
    return layout.node / "containerd" / "config.toml"


def _kubelet_file(layout: layouts.Layout) -> pathlib.Path:
    return layout.node / "kubelet.yaml"


def _network_folder(layout: layouts.Layout) -> pathlib.Path:
    return layout.node / "cni" / "net.d"


def _plugins(layout: layouts.Layout) -> pathlib.Path:
    return layout.node / "cni" / "bin"


def _containerd_configuration(layout: layouts.Layout) -> str:
    """Return containerd's TOML: everything it keeps is in the bed's folder, network namespaces and runc included."""
    return f"""\
version = 2
root = "{layout.node}/containerd/root"
state = "{layout.containerd_state}"
disabled_plugins = [{", ".join(f'"io.containerd.snapshotter.v1.{n}"' for n in ("aufs", "btrfs", "devmapper", "zfs"))}]
[grpc]
address = "{layout.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{images.PAUSE}"
# A process may not lower its oom_score_adj below what its own parent has here.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{_plugins(layout)}"
conf_dir = "{_network_folder(layout)}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "{layout.node}/runc"
"""


def _network_configuration(layout: layouts.Layout, network: networks.Network) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "subnet": network.pod_subnet,
        "dataDir": str(layout.node / "cni" / "addresses"),
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "podseal-bed",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": service_relay.PLUGIN, "socket": str(layout.relay_socket)},
        ],
    }


def _kubelet_configuration(layout: layouts.Layout, network: networks.Network) -> dict[str, Any]:
    files = credentials.Files(layout.keys)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": networks.LOOPBACK,
        "port": network.kubelet_port,
        "readOnlyPort": 0,
        "healthzPort": 0,
        "tlsCertFile": str(files.certificate("server")),
        "tlsPrivateKeyFile": str(files.key("server")),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(files.authority)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "podLogsDir": str(layout.logs / "pods"),
        "volumePluginDir": str(layout.node / "volume-plugins"),
        # The machine's cgroups may be v1 or hybrid and belong to somebody else: the kubelet manages none.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "resolvConf": "",
        # Never evict and never collect images: what is gone could not be pulled again.
        "evictionHard": dict.fromkeys(_EVICTION_SIGNALS, "0%"),
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }
