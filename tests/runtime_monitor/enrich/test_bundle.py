"""OCI configurations of containerd (from the test cluster), CRI-O and Docker, and broken ones."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.enrich import bundle

DATA = Path(__file__).parent / "data" / "bundles"
ID = "0123456789abcdef" * 4
POD = {"name": "web", "namespace": "default", "uid": "9b11e31d-3560-4cd7-ad6c-59c8c0078e1e"}
SHOP = {"name": "shop-1", "namespace": "shop"}
BUSYBOX = {"image": "podseal.test/busybox:1", "image_repository": "podseal.test/busybox", "image_tag": "1"}


@pytest.mark.parametrize(
    ("file", "container", "pod"),
    [
        ("containerd-main", {"name": "main", "type": "containerd", "privileged": False, **BUSYBOX}, POD),
        ("containerd-sealed", {"name": "sealed", "rootfs_readonly": True, "privileged": False}, POD),
        ("containerd-priv", {"name": "priv", "rootfs_readonly": False, "privileged": True}, POD),
        ("containerd-sandbox", {"name": None, "image": None, "image_repository": None}, POD),
        (
            "crio-web",
            {
                "name": "web",
                "type": "cri-o",
                "image_repository": "quay.io:443/shop/web",
                "image_tag": None,
                "image_digest": "sha256:0123",
                "entrypoint": ("/usr/bin/nginx", "-g", "daemon off;"),
            },
            {**SHOP, "uid": "2d4f8e0a-7a37-4f8e-9f43-0c8a4f9b7c11"},
        ),
        ("docker-moby", {"name": "web", "type": "docker", "image": "nginx:1.29", "image_tag": "1.29"}, SHOP),
    ],
)
def test_a_configuration_names_the_container(file: str, container: dict[str, Any], pod: dict[str, Any]) -> None:
    """What the runtime wrote, and None for what it did not write."""
    docker = DATA / f"{file}.config.v2.json"
    found = bundle.parse(ID, (DATA / f"{file}.json").read_bytes(), docker.read_bytes() if docker.exists() else b"")
    assert {key: getattr(found.container, key) for key in container} == container
    assert {key: getattr(found.pod, key) for key in pod} == pod
    assert found.container.id == "0123456789ab"
    assert found.is_sandbox == (file == "containerd-sandbox")
    assert b"not to be read" not in msgspec.json.encode(found)


def test_mounts_are_listed() -> None:
    """Source, destination, and whether they can be written to."""
    found = bundle.parse(ID, (DATA / "crio-web.json").read_bytes()).container.mounts
    assert found is not None
    assert [(each.destination, each.writable) for each in found] == [("/data", True), ("/etc/cfg", False)]


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("empty", b""),
        ("cut off", b'{"process": {"args": ["/bin'),
        ("no object", b"[]"),
        ("a wrong type", b'{"root": {"readonly": "yes"}}'),
        ("arguments that are no texts", b'{"process": {"args": [1]}}'),
        ("no UTF-8", b'{"root": {"path": "\xff"}}'),
        ("nested without end", b'{"x": ' + b"[" * 100_000),
    ],
)
def test_a_broken_configuration_is_refused(reason: str, data: bytes) -> None:
    """One error for all of them, which the caller counts."""
    with pytest.raises(bundle.BundleError):
        bundle.parse(ID, data)
    assert reason


@pytest.mark.parametrize(
    "data", [b"{}", b'{"annotations": {"io.kubernetes.cri.sandbox-name": 7}}', b'{"annotations": null}']
)
def test_what_is_missing_is_none(data: bytes) -> None:
    """Never an empty text that a rule could take for a value."""
    found = bundle.parse(ID, data)
    assert found.pod.name is None
    assert found.container.name is None
    assert found.container.privileged is None


def test_texts_and_lists_are_bounded() -> None:
    """A container with a megabyte of arguments costs no megabyte of memory for each event."""
    huge = {"process": {"args": ["a" * 10_000] * 10_000}, "mounts": [{"destination": "/x"}] * 10_000}
    found = bundle.parse(ID, msgspec.json.encode(huge)).container
    assert sum(map(len, found.entrypoint or ())) <= bundle.LONGEST_TEXT * bundle.MOST_ARGUMENTS
    assert len(found.mounts or ()) == bundle.MOST_MOUNTS


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", None, None)),
        ("nginx:1.29", ("nginx", "1.29", None)),
        ("localhost:5000/web", ("localhost:5000/web", None, None)),
        ("localhost:5000/web:1@sha256:ab", ("localhost:5000/web", "1", "sha256:ab")),
        ("sha256:ab", ("sha256", "ab", None)),
        ("", (None, None, None)),
        (":", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_an_image_has_parts(image: str | None, parts: tuple[str | None, ...]) -> None:
    """Repository, tag, digest."""
    assert bundle.split_image(image) == parts


@given(st.binary(), st.binary())
def test_any_bytes_end_in_a_bundle_or_a_bundle_error(data: bytes, docker: bytes) -> None:
    """Nothing else comes out."""
    try:
        bundle.parse(ID, data, docker)
    except bundle.BundleError:
        return
