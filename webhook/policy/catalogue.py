"""The catalogue of writable paths: image repository -> paths that its program writes.

In: the tree of a YAML file (`data/writable_paths.yaml`, and the users' own). Out: a `Catalogue`.
Called by `webhook.settings`, which reads the files, and by `mutation`, which looks images up.
A file is checked in full when it is read: a mistake stops the program before it decides anything.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from webhook.policy import images, labels, paths

API_VERSION = "config.podseal.dev/v1alpha1"
KIND = "WritablePaths"
LONGEST_REPOSITORY = 255
"""As the grammar of references bounds it; nothing longer is looked up, so that a hostile image costs no time."""

REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
UNKNOWN_FIELD = re.compile(r"unknown field `(?P<name>.*)`")

Quantity = Annotated[str, Meta(pattern=r"^[0-9]*[1-9][0-9]*(k|M|G|T|Ki|Mi|Gi|Ti)?$")]
FileMode = Annotated[str, Meta(pattern=r"^0?[01]?[0-7]{3}$")]


class WritablePath(Struct, frozen=True, forbid_unknown_fields=True):
    """A path that a program writes.

    Attributes:
        path: absolute; where the emptyDir is mounted.
        seed: the image ships files there, which an emptyDir hides; injected on request, with a copy of them.
        exec: the program runs or loads files that it wrote there, so that a mount without exec breaks it.
        alias: another name of the same directory in this image (/var/run and /run need none).
        mode: the octal mode that the directory must have; emptyDir has it since Kubernetes 1.37 (KEP-5502, alpha).
        medium: `Memory` for tmpfs, which counts against the container's memory.
        size: the emptyDir's sizeLimit, where the settings' does not fit.
        vol: the image declares a VOLUME there, which containerd mounts writable; injected on request.
        when: under which configuration the program writes there; injected on request.
        note: what a person should know.
    """

    path: str
    seed: bool = False
    exec: bool = False
    alias: str = ""
    mode: FileMode | Literal[""] = ""
    medium: Literal["", "Memory"] = ""
    size: Quantity | Literal[""] = ""
    vol: bool = False
    when: str = ""
    note: str = ""


class Place(Struct, frozen=True, gc=False):
    """A writable path as it is looked up.

    Attributes:
        path: canonical.
        chains: for each of its names, the canonical path and its ancestors, nearest first.
        unasked: whether it is injected without being asked for.
        entry: what the catalogue says.
    """

    path: str
    chains: tuple[tuple[str, ...], ...]
    unasked: bool
    entry: WritablePath


def place(entry: WritablePath) -> Place:
    """The place that an entry means."""
    names = [paths.canonical(name) for name in (entry.path, entry.alias) if name]
    return Place(
        path=names[0],
        chains=tuple(tuple(paths.upwards(name)) for name in names),
        unasked=not (entry.seed or entry.vol or entry.when),
        entry=entry,
    )


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """An image and all that it writes; without paths it writes nothing, which is knowledge too."""

    image: str
    paths: tuple[WritablePath, ...]
    note: str = ""


class File(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A catalogue file.

    `publishers` are path parts of repositories whose images are no copies of those of the same name: `bitnami/nginx`
    is not `nginx`, while `mirror/nginx` is.
    """

    api_version: Literal["config.podseal.dev/v1alpha1"]
    kind: Literal["WritablePaths"]
    images: tuple[Image, ...] = ()
    publishers: tuple[str, ...] = ()


class Catalogue(Struct, frozen=True):
    """Repository (without registry) -> places, ancestors first, and the publishers of images of their own."""

    images: Mapping[str, tuple[Place, ...]] = MappingProxyType({})
    publishers: frozenset[str] = frozenset()

    def find(self, image: str) -> tuple[Place, ...] | None:
        """What an image writes; None where the catalogue does not know it.

        A name in the catalogue matches the whole repository or its end after a `/`; the longest wins.
        """
        repository = images.repository(image)
        if len(repository) > LONGEST_REPOSITORY:
            return None
        found = self.images.get(repository)
        while found is None:
            dropped, slash, repository = repository.partition("/")
            if not slash or dropped in self.publishers:
                return None
            found = self.images.get(repository)
        return found


EMPTY = Catalogue()


class CatalogueError(ValueError):
    """A catalogue file that cannot be used. `problems` are one line each: file, place, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def parse(tree: object, source: str) -> Catalogue:
    """The catalogue that a file describes.

    Args:
        tree: the parsed YAML.
        source: the file's name, for errors.

    Raises:
        CatalogueError: it does not fit the schema, or names a path or an image that cannot be meant.
    """
    try:
        file = msgspec.convert(tree, File)
    except msgspec.ValidationError as error:
        raise CatalogueError([f"{source}: {_explained(error)}"]) from error
    problems = [f"{source}: {problem}" for problem in _problems(file)]
    if problems:
        raise CatalogueError(problems)
    return Catalogue(
        {
            images.repository(each.image): tuple(sorted(map(place, each.paths), key=lambda place: place.path))
            for each in file.images
        },
        frozenset(file.publishers),
    )


def merge(base: Catalogue, user: Catalogue) -> Catalogue:
    """Both catalogues; where both know an image, the user's entry holds alone."""
    return Catalogue({**base.images, **user.images}, base.publishers | user.publishers)


def schema() -> dict[str, Any]:
    """The JSON Schema of a catalogue file."""
    return msgspec.json.schema(File)


def _explained(error: msgspec.ValidationError) -> str:
    """Place, reason and, for an unknown key, the nearest known one."""
    reason, _, place = str(error).partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    unknown = UNKNOWN_FIELD.search(reason)
    hint = ""
    if unknown:
        struct = WritablePath if ".paths[" in place else Image if place else File
        hint = labels.nearest(unknown["name"], [field.encode_name for field in msgspec.structs.fields(struct)])
    return f"{place or 'top level'}: {reason}{hint}"


def _problems(file: File) -> Iterator[str]:
    """What the schema cannot say."""
    seen: dict[str, int] = {}
    for number, entry in enumerate(file.images):
        place = f"images[{number}]"
        repository = images.repository(entry.image)
        if "@" in entry.image or ":" in entry.image.rpartition("/")[2]:
            yield f"{place}.image: {entry.image!r} has a tag or digest; write the repository alone"
        elif len(repository) > LONGEST_REPOSITORY or not REPOSITORY.fullmatch(repository):
            yield f"{place}.image: {entry.image!r} is no repository; write one as in grafana/grafana"
        elif repository in seen:
            yield f"{place}.image: {repository} is images[{seen[repository]}] already; write its paths in one entry"
        seen.setdefault(repository, number)
        yield from _path_problems(entry, place)


def _path_problems(entry: Image, place: str) -> Iterator[str]:
    seen: set[str] = set()
    for number, path in enumerate(entry.paths):
        where = f"{place}.paths[{number}]"
        for name, value in (("path", path.path), ("alias", path.alias)):
            reason = paths.problem(value) if value or name == "path" else ""
            if reason:
                yield f"{where}.{name}: {value!r} {reason}; write an absolute path that the program writes"
        canonical = paths.canonical(path.path)
        if canonical in seen:
            yield f"{where}.path: {path.path} is named twice; keep one entry"
        seen.add(canonical)
