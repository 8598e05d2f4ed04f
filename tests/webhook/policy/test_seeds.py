"""The init container that copies: it takes over what it needs from its container, and no right beyond."""

from typing import Any

import msgspec

from webhook.policy import model, pod, seeds

EDIT = model.AddSeedContainer("podseal-seed-1", "containers", 0, "podseal-1", "/srv/app")


def seed_of(source: dict[str, Any]) -> dict[str, Any]:
    """The seed container for a container."""
    return seeds.container(EDIT, msgspec.convert(source, pod.Container))


def test_a_seed_container_copies_hidden_files_too() -> None:
    """The least container: its command, a read-only root, one mount."""
    assert seed_of({"name": "app"}) == {
        "name": "podseal-seed-1",
        "command": ["cp", "-R", "/srv/app/.", "/podseal-seed/"],
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "podseal-1", "mountPath": "/podseal-seed"}],
    }


def test_image_resources_and_user_are_the_containers() -> None:
    """What the API takes for the container it takes for the copy, nulls left out."""
    context = {
        "runAsUser": 7,
        "runAsGroup": None,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": None},
        "seLinuxOptions": {"level": "s0:c1"},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    resources = {"limits": {"cpu": 1, "memory": "1Gi"}}
    made = seed_of({"image": "app:1", "imagePullPolicy": "Never", "resources": resources, "securityContext": context})
    assert made["image"] == "app:1"
    assert made["imagePullPolicy"] == "Never"
    assert made["resources"] == resources
    assert made["securityContext"] == {
        "runAsUser": 7,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seLinuxOptions": {"level": "s0:c1"},
        "seccompProfile": {"type": "RuntimeDefault"},
        "readOnlyRootFilesystem": True,
    }


def test_a_privileged_containers_copy_is_not_privileged() -> None:
    """Neither is its /proc unmasked."""
    context = {"privileged": True, "procMount": "Unmasked", "readOnlyRootFilesystem": None}
    assert seed_of({"securityContext": context})["securityContext"] == {"readOnlyRootFilesystem": True}
