"""What is mounted in a container, and whether it can be written.

In: a container and the volumes of its pod. Out: canonical path -> writable, and the question which mount a path
falls into. Called by `mutation`, which adds what it injects.
"""

from collections.abc import Mapping, Sequence

from webhook.policy import paths, pod

READ_ONLY_SOURCES = ("config_map", "secret", "projected", "downward_api", "image")
"""Volumes that the kubelet mounts read-only whatever the mount says (their GetAttributes in pkg/volume, 1.37)."""

SOURCES_WITH_READ_ONLY = (
    "persistent_volume_claim",
    "csi",
    "nfs",
    "cephfs",
    "iscsi",
    "rbd",
    "fc",
    "flex_volume",
    "glusterfs",
    "portworx_volume",
    "quobyte",
    "scale_io",
    "storageos",
    "cinder",
    "aws_elastic_block_store",
    "azure_disk",
    "azure_file",
    "gce_persistent_disk",
)
"""Volumes whose source has a readOnly of its own."""


def read_only_volumes(spec: pod.PodSpec) -> frozenset[str]:
    """The names of the pod's volumes that no container can write, whatever its mount says."""
    return frozenset(volume.name for volume in spec.volumes or () if _is_read_only(volume))


def _is_read_only(volume: pod.Volume) -> bool:
    if volume.empty_dir:
        return False
    return any(isinstance(getattr(volume, source), dict) for source in READ_ONLY_SOURCES) or any(
        source and source.get("readOnly") is True
        for source in (getattr(volume, attribute) for attribute in SOURCES_WITH_READ_ONLY)
    )


def mounted(container: pod.Container, read_only: frozenset[str]) -> dict[str, bool]:
    """Canonical path of each mount -> whether it can be written. A block device counts as a mount that cannot."""
    found: dict[str, bool] = {}
    for mount in container.volume_mounts or ():
        path = paths.canonical(mount.mount_path)
        found[path] = found.get(path, True) and not mount.read_only and mount.name not in read_only
    for device in container.volume_devices or ():
        found[paths.canonical(device.device_path)] = False
    return found


def covering(found: Mapping[str, bool], chains: Sequence[tuple[str, ...]]) -> bool | None:
    """Whether the mount that a place lies in can be written; None where it lies in none.

    Args:
        found: canonical path -> writable.
        chains: for each name of the place, the canonical path and its ancestors, nearest first.
    """
    for chain in chains:
        for path in chain:
            if path in found:
                return found[path]
    return None
