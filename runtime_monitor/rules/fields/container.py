"""container.*: in which container. Source: the container's OCI configuration, through `enrich.container`."""

from runtime_monitor.events import Event, Mount
from runtime_monitor.rules import globs
from runtime_monitor.rules.fields.field import Argument, Field, Type, plain

MOUNTS = ("podseal.mounts",)


def _mount(event: Event, which: str) -> Mount | None:
    """By number, or by a glob over the sources, as in Falco."""
    mounts = event.container.mounts
    if mounts is None:
        return None
    if which.isascii() and which.isdigit():
        return mounts[int(which)] if int(which) < len(mounts) else None
    matches = globs.matcher(which)
    return next((mount for mount in mounts if matches(mount.source)), None)


def _destination(event: Event, which: str) -> str | None:
    mount = _mount(event, which)
    return mount.destination if mount else None


def _source(event: Event, which: str) -> str | None:
    """By number, or by a glob over the destinations."""
    mounts = event.container.mounts
    if mounts is None or (which.isascii() and which.isdigit()):
        mount = _mount(event, which)
        return mount.source if mount else None
    matches = globs.matcher(which)
    return next((mount.source for mount in mounts if matches(mount.destination)), None)


def _mounts(event: Event) -> str | None:
    mounts = event.container.mounts
    if mounts is None:
        return None
    return ",".join(_described(mount) for mount in mounts)


def _described(mount: Mount) -> str:
    """`source:destination:mode:writable:propagation`; mode and propagation are empty."""
    return f"{mount.source}:{mount.destination}::{str(mount.writable).lower()}:"


def _duration(event: Event) -> int | None:
    start = event.container.start
    return None if start is None else event.evt.time - start


FIELDS = (
    plain("container.id", "container.id", Type.STRING, "First twelve digits of the id; `host` outside of containers."),
    plain("container.full_id", "container.full_id", Type.STRING, "The whole id."),
    plain("container.name", "container.name", Type.STRING, "Name of the container."),
    plain("container.type", "container.type", Type.STRING, "Its runtime: containerd, cri-o, docker, host."),
    plain("container.image", "container.image", Type.STRING, "Image as the pod names it: registry/shop:1.2."),
    plain("container.image_repository", "container.image.repository", Type.STRING, "Image without tag and digest."),
    plain("container.image_tag", "container.image.tag", Type.STRING, "Tag of the image."),
    plain("container.image_digest", "container.image.digest", Type.STRING, "Digest of the image: sha256:..."),
    plain("container.privileged", "container.privileged", Type.BOOLEAN, "Whether it runs privileged."),
    plain("container.start", "container.start_ts", Type.NUMBER, "Start, nanoseconds since the epoch."),
    Field(
        name="container.duration",
        type=Type.NUMBER,
        doc="Nanoseconds from its start to the event.",
        needs=("container.start_ts",),
        read=_duration,
    ),
    Field(
        name="container.mounts",
        type=Type.STRING,
        doc="All mounts: source:destination:mode:writable:propagation, with commas between.",
        needs=MOUNTS,
        read=_mounts,
    ),
    Field(
        name="container.mount",
        type=Type.STRING,
        doc="One mount, by number or by a glob over the sources.",
        needs=MOUNTS,
        read=lambda event, which: _described(mount) if (mount := _mount(event, which)) else None,
        argument=Argument.KEY,
    ),
    Field(
        name="container.mount.dest",
        type=Type.STRING,
        doc="Destination of a mount, by number or by a glob over the sources: container.mount.dest[/proc*].",
        needs=MOUNTS,
        read=_destination,
        argument=Argument.KEY,
    ),
    Field(
        name="container.mount.source",
        type=Type.STRING,
        doc="Source of a mount, by number or by a glob over the destinations.",
        needs=MOUNTS,
        read=_source,
        argument=Argument.KEY,
    ),
)
