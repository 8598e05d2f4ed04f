"""The init container that copies what an image ships at a path into the emptyDir that will hide it.

In: an `AddSeedContainer` edit and the container it is for. Out: a container as the API takes it. Called by `patch`.
It may do no more than that container: the same image, user and limits, a read-only root, never privileged.
"""

from typing import Any

import msgspec

from webhook.policy import model, pod

STAGE = "/podseal-seed"
"""Where the volume is mounted while it is filled; its own path must show the image's files."""


def container(edit: model.AddSeedContainer, source: pod.Container) -> dict[str, Any]:
    """The init container, ready for JSON. Its image must have `cp`; one without any tools cannot be seeded."""
    made: dict[str, Any] = {"name": edit.name}
    if source.image:
        made["image"] = source.image
    if source.image_pull_policy:
        made["imagePullPolicy"] = source.image_pull_policy
    # `/.` takes hidden files too, and copies into the volume instead of making a directory in it.
    made["command"] = ["cp", "-R", f"{edit.path}/.", f"{STAGE}/"]
    if source.resources:
        # A quota may demand them, and the same ones raise nothing: a pod's need is the largest of its init containers
        # and the sum of the others.
        made["resources"] = source.resources
    made["securityContext"] = _security_context(source)
    made["volumeMounts"] = [{"name": edit.volume, "mountPath": STAGE}]
    return made


def _security_context(source: pod.Container) -> dict[str, Any]:
    """The container's own, so that the copies belong to its user; without what copying never needs."""
    own = msgspec.to_builtins(source.security_context) if source.security_context else {}
    kept = {key: value for key, value in own.items() if key not in ("privileged", "procMount", "windowsOptions")}
    kept["readOnlyRootFilesystem"] = True
    return {key: _without_null(value) for key, value in kept.items() if value is not None}


def _without_null(value: object) -> object:
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if each is not None}
    return value
