"""What is mounted and whether it can be written: volumes that are read-only by nature, by source, by mount."""

from typing import Any

import msgspec
import pytest

from webhook.policy import mounts, paths, pod

READ_ONLY: dict[str, dict[str, Any]] = {
    "config map": {"configMap": {"name": "x"}},
    "config map without fields": {"configMap": {}},
    "secret": {"secret": {"secretName": "x"}},
    "projected": {"projected": {"sources": []}},
    "downward API": {"downwardAPI": {"items": []}},
    "image": {"image": {"reference": "x"}},
    "claim said to be read-only": {"persistentVolumeClaim": {"claimName": "x", "readOnly": True}},
    "csi said to be read-only": {"csi": {"driver": "x", "readOnly": True}},
    "nfs said to be read-only": {"nfs": {"server": "x", "path": "/", "readOnly": True}},
}

WRITABLE: dict[str, dict[str, Any]] = {
    "emptyDir": {"emptyDir": {}},
    "nothing, which means emptyDir": {},
    "null": {"configMap": None},
    "claim": {"persistentVolumeClaim": {"claimName": "x"}},
    "claim said not to be read-only": {"persistentVolumeClaim": {"claimName": "x", "readOnly": False}},
    "hostPath": {"hostPath": {"path": "/x"}},
    "ephemeral": {"ephemeral": {"volumeClaimTemplate": {}}},
    "gitRepo": {"gitRepo": {"repository": "x"}},
}


def spec_with(source: dict[str, Any]) -> pod.PodSpec:
    """A spec with one volume."""
    return msgspec.convert({"volumes": [{"name": "v", **source}]}, pod.PodSpec)


def found(*entries: dict[str, Any], devices: tuple[str, ...] = ()) -> dict[str, bool]:
    """What a container with these mounts has mounted, where volume `ro` cannot be written."""
    tree = {"volumeMounts": list(entries), "volumeDevices": [{"devicePath": path} for path in devices]}
    return mounts.mounted(msgspec.convert(tree, pod.Container), frozenset({"ro"}))


def covering(mounted: dict[str, bool], path: str) -> bool | None:
    """The answer for a place with one name."""
    return mounts.covering(mounted, [tuple(paths.upwards(path))])


@pytest.mark.parametrize("source", READ_ONLY.values(), ids=READ_ONLY.keys())
def test_a_volume_is_read_only(source: dict[str, Any]) -> None:
    """By its nature, or because its source says so."""
    assert mounts.read_only_volumes(spec_with(source)) == {"v"}


@pytest.mark.parametrize("source", WRITABLE.values(), ids=WRITABLE.keys())
def test_a_volume_is_writable(source: dict[str, Any]) -> None:
    """As far as the pod says."""
    assert not mounts.read_only_volumes(spec_with(source))


def test_the_sources_are_fields_of_the_model() -> None:
    """A misspelt name in the tables would make a volume count as writable."""
    fields = {field.name for field in msgspec.structs.fields(pod.Volume)}
    assert fields >= {*mounts.READ_ONLY_SOURCES, *mounts.SOURCES_WITH_READ_ONLY}


def test_a_mount_is_writable_only_if_volume_and_mount_say_so() -> None:
    """A null counts as unsaid, and two mounts at one place are writable only if both are."""
    assert found(
        {"name": "rw", "mountPath": "/a"},
        {"name": "rw", "mountPath": "/b", "readOnly": True},
        {"name": "ro", "mountPath": "/c"},
        {"name": "rw", "mountPath": "/d", "readOnly": None},
        {"name": "rw", "mountPath": "/var/run"},
        {"name": "ro", "mountPath": "/run/"},
        devices=("/disk",),
    ) == {"/a": True, "/b": False, "/c": False, "/d": True, "/run": False, "/disk": False}


def test_the_nearest_mount_decides() -> None:
    """A place may lie in several mounts; the deepest is the one that the program sees."""
    mounted = found({"name": "rw", "mountPath": "/a"}, {"name": "ro", "mountPath": "/a/b"})
    assert covering(mounted, "/a/x") is True
    assert covering(mounted, "/a/b/x") is False
    assert covering(mounted, "/ab") is None
    assert covering({}, "/a") is None
    assert covering(found({"name": "rw", "mountPath": "/"}), "/a") is True


def test_any_name_of_a_place_counts() -> None:
    """A mount at an alias covers the place too."""
    assert mounts.covering({"/b": True}, [("/a", "/"), ("/b", "/")]) is True
