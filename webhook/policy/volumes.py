"""Names for what the mutation adds: volumes and seed containers that collide with nothing in the pod.

In: the pod's volumes and containers. Out: deterministic names, DNS labels of at most 63 characters. Called by
`mutation`, once for each pod. The same pod always yields the same names: retries and dry runs show what will be.
"""

import zlib

from webhook.policy import containers, pod

VOLUME_PREFIX = "podseal-"
SEED_PREFIX = "podseal-seed-"


class Names:
    """The names taken in one pod, and those given out."""

    __slots__ = ("_containers", "_numbers", "_sources")

    def __init__(self, view: containers.PodView) -> None:
        self._sources: dict[str, pod.EmptyDir | None] = {
            volume.name: volume.empty_dir or None for volume in view.spec.volumes or ()
        }
        self._containers = {each.name for each in view.containers}
        self._numbers: dict[str, int] = {}

    def volume(self, container: str, path: str, wanted: pod.EmptyDir) -> tuple[str, bool]:
        """The name of the volume for a canonical path in a container, and whether it must be added.

        Each container gets a volume of its own, even for a path that several write: they share no root file system,
        so a shared volume would let one read and plant the other's temporary files.
        """
        name = base = VOLUME_PREFIX + _hash(container, path)
        while name in self._sources:
            if _equal(self._sources[name], wanted):
                return name, False
            name = self._next(base)
        # Given out once: two places whose hashes are the same get two volumes.
        self._sources[name] = None
        return name, True

    def seed_container(self, container: str, path: str) -> str:
        """The name of the init container that fills such a volume."""
        name = base = SEED_PREFIX + _hash(container, path)
        while name in self._containers:
            name = self._next(base)
        self._containers.add(name)
        return name

    def _next(self, base: str) -> str:
        """A name with a number that was not tried before, so that thousands of namesakes cost no more than one each."""
        self._numbers[base] = number = self._numbers.get(base, 1) + 1
        return f"{base}-{number}"


def is_seed_container(container: containers.ContainerView) -> bool:
    """Whether an init container is one that an earlier round put there: it writes its volume and nothing else.

    The name is the author's to forge; who does so gets a read-only root without volumes, which grants nothing.
    """
    return (
        container.kind == "initContainers"
        and container.name.startswith(SEED_PREFIX)
        and container.security_context.read_only_root_filesystem is True
    )


def _equal(present: pod.EmptyDir | None, wanted: pod.EmptyDir) -> bool:
    return (
        present is not None
        and (present.medium or "") == (wanted.medium or "")
        and present.size_limit == wanted.size_limit
    )


def _hash(container: str, path: str) -> str:
    """Eight hex digits. A checksum will do, since no name is believed: what collides gets a number."""
    text = f"{container}\0{path}"
    return f"{zlib.crc32(text.encode(errors='surrogatepass')):08x}"
