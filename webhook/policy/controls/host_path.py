"""No volume is a path of the node, but for those that the settings allow.

Fields: spec.volumes[*].hostPath, and where a path is allowed read-only,
    spec.{containers,initContainers,ephemeralContainers}[*].volumeMounts[*].readOnly
Allowed: none; with `allowed_host_paths` in the settings, the paths named there and everything below, each mount of them
    with readOnly: true unless the entry says otherwise.

A path of the node is the node's disk. Read-only does not make it harmless: a socket behind a read-only mount still
accepts connections, and a container runtime's socket is the node. So every path is refused, not only writable ones.
With an empty list this is Pod Security admission's rule, at every profile (there restrictedVolumes takes it over).
Paths are compared part by part after `//`, `.` and a trailing `/` are gone. One with `..` is never allowed: the kernel
resolves it after symbolic links, which only the node knows (the API server refuses it as well).
An ephemeral container is judged for the volumes that it mounts: it may arrive in a pod that was let pass long before.
"""

from collections.abc import Iterator, Mapping, Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each volume that is no allowed path of the node, or is mounted writable against the settings."""
    found: list[model.Violation] = []
    refused: dict[str, str] = {}
    read_only: dict[str, str] = {}
    for index, volume in enumerate(pod.spec.volumes or ()):
        if not volume.host_path:
            continue
        path = volume.host_path.path
        entry = _entry(path, pod.options.allowed_host_paths)
        if entry is None:
            refused[volume.name] = path
            found.append(model.Violation(f"spec.volumes[{index}].hostPath.path", shown(path), allowed=_allowed(pod)))
        elif entry.read_only:
            read_only[volume.name] = entry.path
    if refused or read_only:
        for container in pod.containers:
            found += _mounts(container, refused, read_only)
    return found


def _mounts(
    container: containers.ContainerView, refused: Mapping[str, str], read_only: Mapping[str, str]
) -> Iterator[model.Violation]:
    """The mounts of one container that are wrong; both mappings go from the name of a volume to a path."""
    for index, mount in enumerate(container.container.volume_mounts or ()):
        if mount.name in refused and container.kind == "ephemeralContainers":
            seen = f"{shown(mount.name)}, which is the node's {shown(refused[mount.name])}"
            yield container.violation(f"volumeMounts[{index}].name", seen, fix="do not mount it")
        elif mount.name in read_only and mount.read_only is not True:
            yield container.violation(
                f"volumeMounts[{index}].readOnly",
                "false" if mount.read_only is False else "not set, so writable",
                allowed=f"true for the node's {read_only[mount.name]}",
                fix="set readOnly: true",
            )


def _allowed(pod: containers.PodView) -> str:
    entries = pod.options.allowed_host_paths
    return f"{', '.join(entry.path for entry in entries)} and what is below" if entries else "no hostPath"


def _entry(path: str, allowed: tuple[model.AllowedHostPath, ...]) -> model.AllowedHostPath | None:
    """The entry that covers the path; of several, one that lets it be written."""
    parts = _parts(path)
    if parts is None:
        return None
    covering = [entry for entry in allowed if (root := _parts(entry.path)) is not None and parts[: len(root)] == root]
    return min(covering, key=lambda entry: entry.read_only, default=None)


def _parts(path: str) -> list[str] | None:
    """The names in an absolute path, None where it cannot be told what the path is."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return parts if path.startswith("/") and ".." not in parts else None


CONTROL = Control(
    id="host-path",
    title="Paths of the node",
    why="A path of the node is the node's disk; a runtime's socket on it is the node, behind a read-only mount too.",
    fields=(
        "spec.volumes[*].hostPath",
        "spec.{containers,initContainers,ephemeralContainers}[*].volumeMounts[*].readOnly",
    ),
    allowed="none but the settings' allowed_host_paths, mounted with readOnly: true",
    fix_hint="use a configMap, a projected volume, a persistentVolumeClaim or an emptyDir instead",
    rules=(Rule("baseline", 1, check),),
    pod_security=("hostPathVolumes", "restrictedVolumes"),
)
