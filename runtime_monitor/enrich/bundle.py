"""What a container's OCI configuration says of it: the runtime's own file, written before the container starts.

In: the bytes of config.json (opencontainers/runtime-spec, config.md), and for Docker those of its config.v2.json.
Out: a `Bundle`: the parts `container` and `pod` of an Event, as far as the file tells. Called by `enrich.bundles`.
No request to the runtime is needed: containerd and CRI-O write the pod's name, namespace, uid, container and image
into the annotations. The file is the runtime's, but its values are what users typed: texts are cut, never trusted.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from runtime_monitor.events import Container, Mount, Pod

LONGEST_TEXT = 512
"""No name in Kubernetes is longer than 253 characters, no image reference than about 400."""
MOST_MOUNTS = 512
MOST_ARGUMENTS = 256
LEAST_PRIVILEGED: Final = frozenset({"CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_PTRACE", "CAP_BPF"})
"""The specification has no word for "privileged". The runtimes make it of every capability and no masked path
(containerd: pkg/cri/server/container_create_linux.go, WithPrivilegedDevices); these five stand for every one."""

CRI = "io.kubernetes.cri."
CRIO = "io.kubernetes.cri-o."
LABELS = "io.kubernetes."
NAMES: Final = {
    "pod": (f"{CRI}sandbox-name", f"{LABELS}pod.name"),
    "namespace": (f"{CRI}sandbox-namespace", f"{LABELS}pod.namespace"),
    "uid": (f"{CRI}sandbox-uid", f"{LABELS}pod.uid"),
    "container": (f"{CRI}container-name", f"{LABELS}container.name"),
    "image": (f"{CRI}image-name", f"{CRIO}ImageName", f"{CRIO}Image"),
    "kind": (f"{CRI}container-type", f"{CRIO}ContainerType"),
}
"""What is asked -> the annotations that may hold it: containerd's (pkg/cri/annotations) and CRI-O's."""


class BundleError(ValueError):
    """The file is no OCI configuration; the text says where it departs from one."""


class User(Struct, frozen=True):
    """process.user."""

    uid: int = 0


class Capabilities(Struct, frozen=True):
    """process.capabilities: only the bounding set is read."""

    bounding: list[str] | None = None


class Process(Struct, frozen=True):
    """The process that the runtime starts. Its environment is left unread: it holds secrets."""

    args: list[str] | None = None
    user: User = User()
    capabilities: Capabilities | None = None


class Root(Struct, frozen=True):
    """The root file system."""

    path: str = "rootfs"
    readonly: bool = False


class OciMount(Struct, frozen=True):
    """One entry of `mounts`."""

    destination: str = ""
    type: str = ""
    source: str = ""
    options: list[str] | None = None


class Linux(Struct, frozen=True, rename={"masked_paths": "maskedPaths", "cgroups_path": "cgroupsPath"}):
    """The part for Linux."""

    masked_paths: list[str] | None = None
    cgroups_path: str = ""


class Configuration(Struct, frozen=True):
    """What is read of a config.json."""

    root: Root = Root()
    process: Process | None = None
    mounts: list[OciMount] | None = None
    annotations: dict[str, Any] | None = None
    linux: Linux | None = None


class Bundle(Struct, frozen=True):
    """A container as its runtime describes it. A sandbox holds a pod's namespaces and runs nothing of the user's."""

    container: Container
    pod: Pod
    is_sandbox: bool = False


class DockerConfiguration(Struct, frozen=True, rename="pascal"):
    """Config of config.v2.json."""

    image: str = ""
    labels: dict[str, Any] | None = None


class Docker(Struct, frozen=True, rename="pascal"):
    """What is read of /var/lib/docker/containers/ID/config.v2.json: Docker annotates nothing in config.json."""

    name: str = ""
    config: DockerConfiguration = DockerConfiguration()


def parse(container_id: str, data: bytes, docker: bytes = b"") -> Bundle:
    """A container from its config.json, with what Docker keeps beside it.

    Raises:
        BundleError: one of the two is no such file.
    """
    try:
        read = msgspec.json.decode(data, type=Configuration)
        beside = msgspec.json.decode(docker, type=Docker) if docker else Docker()
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BundleError(str(error)) from error
    notes = (read.annotations or {}) | (beside.config.labels or {})
    named = {what: _first(notes, keys) for what, keys in NAMES.items()}
    image = named["image"] or _text(beside.config.image)
    repository, tag, digest = split_image(image)
    container = Container(
        id=container_id[:12],
        full_id=container_id,
        name=named["container"] or _text(beside.name.removeprefix("/")),
        type=_runtime(notes, docker),
        image=image,
        image_repository=repository,
        image_tag=tag,
        image_digest=digest,
        privileged=_privileged(read),
        entrypoint=_arguments(read.process),
        mounts=_mounts(read.mounts),
        rootfs_readonly=read.root.readonly,
    )
    pod = Pod(name=named["pod"], namespace=named["namespace"], uid=named["uid"])
    return Bundle(container, pod, named["kind"] == "sandbox")


def split_image(image: str | None) -> tuple[str | None, str | None, str | None]:
    """Repository, tag and digest of a reference; None for what it does not have."""
    if not image:
        return None, None, None
    name, _, digest = image.partition("@")
    head, slash, tail = name.rpartition("/")
    last, _, tag = tail.partition(":")
    return head + slash + last or None, tag or None, digest or None


def _first(notes: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = notes.get(key)
        if isinstance(value, str) and value:
            return value[:LONGEST_TEXT]
    return None


def _text(value: str) -> str | None:
    return value[:LONGEST_TEXT] or None


def _runtime(notes: dict[str, Any], docker: bytes) -> str | None:
    if docker:
        return "docker"
    if notes.get("io.container.manager") in ("cri-o", "libpod"):
        return "cri-o" if notes["io.container.manager"] == "cri-o" else "podman"
    return "containerd" if any(key.startswith(CRI) for key in notes) else None


def _privileged(read: Configuration) -> bool | None:
    capabilities = read.process.capabilities if read.process else None
    if capabilities is None or read.linux is None:
        return None
    return set(capabilities.bounding or ()) >= LEAST_PRIVILEGED and not read.linux.masked_paths


def _arguments(process: Process | None) -> tuple[str, ...] | None:
    if process is None or process.args is None:
        return None
    return tuple(each[:LONGEST_TEXT] for each in process.args[:MOST_ARGUMENTS])


def _mounts(mounts: list[OciMount] | None) -> tuple[Mount, ...]:
    return tuple(
        Mount(each.source, each.destination, "ro" not in (each.options or ()), each.type)
        for each in (mounts or [])[:MOST_MOUNTS]
    )
