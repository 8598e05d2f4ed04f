"""Volumes are of kinds that a pod's author may choose freely.

Fields: spec.volumes[*]
Allowed: configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected, secret.

The other kinds let the author name a server, a disk or a driver that the node then mounts with its own rights; a
persistentVolumeClaim puts an administrator between. hostPath is left to the control `host-path`, which knows the
settings' allow list.
A volume of no kind known here is refused: in a cluster it is a kind newer than this program, since the API server
writes emptyDir where an author names none, before it asks a webhook.
"""

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from webhook.policy import containers, model, pod
from webhook.policy.controls.control import Control, Rule

# The commonest first: the search ends at the first that is set.
FREE = (
    "projected",
    "config_map",
    "secret",
    "empty_dir",
    "persistent_volume_claim",
    "downward_api",
    "csi",
    "ephemeral",
    "image",
)
UNKNOWN_FIX = "name a kind; emptyDir: {} if that is what is meant"


def check(view: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each volume of another kind."""
    return [
        _violation(index, volume)
        for index, volume in enumerate(view.spec.volumes or ())
        if not (_any_set(volume, FREE) or volume.host_path)
    ]


def _any_set(volume: pod.Volume, names: Iterable[str]) -> bool:
    # Not truth: `downwardAPI: {}` is decoded to an empty dict, and is set.
    return any(getattr(volume, name) is not UNSET and getattr(volume, name) is not None for name in names)


def _violation(index: int, volume: pod.Volume) -> model.Violation:
    for name, encoded in zip(pod.Volume.__struct_fields__, pod.Volume.__struct_encode_fields__, strict=True):
        if name != "name" and _any_set(volume, (name,)):
            return model.Violation(f"spec.volumes[{index}].{encoded}", f"a volume of kind {encoded}")
    return model.Violation(f"spec.volumes[{index}]", "a volume of no known kind", fix=UNKNOWN_FIX)


CONTROL = Control(
    id="volume-types",
    title="Kinds of volumes",
    why="Other kinds let the author name a server, a disk or a driver, which the node mounts with its own rights.",
    fields=("spec.volumes[*]",),
    allowed="configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected, secret",
    fix_hint="use a persistentVolumeClaim",
    rules=(Rule("strict", 1, check),),
    pod_security=("restrictedVolumes",),
)
