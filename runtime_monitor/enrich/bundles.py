"""Finds a container's OCI bundle on this node and reads it.

In: a container id. Out: a `bundle.Bundle`, None where no runtime of this node has it. Called by `enrich.containers`
once for each container. The places are folders that hold one folder a container; each runtime has its own, and
`--bundles` adds more.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from runtime_monitor.enrich import bundle, rooted

LARGEST = 4 * 1024 * 1024
"""A privileged container's list of devices takes 14 KB; an argument list at most 2 MiB (execve(2))."""
TASKS = "io.containerd.runtime.v2.task"
PLACES: Final = (
    f"run/containerd/{TASKS}/k8s.io",
    f"run/containerd/{TASKS}/moby",
    f"run/containerd/{TASKS}/default",
    f"run/docker/containerd/daemon/{TASKS}/moby",
    f"run/k3s/containerd/{TASKS}/k8s.io",
    f"run/k0s/containerd/{TASKS}/k8s.io",
    f"var/snap/microk8s/common/run/containerd/{TASKS}/k8s.io",
    "run/containers/storage/overlay-containers",
    "var/lib/containers/storage/overlay-containers",
)
"""containerd (and who brings one along), Docker, CRI-O and podman; below the host's root."""
DOCKER: Final = "var/lib/docker/containers"
ID = re.compile("[0-9a-f]{64}")
log = logging.getLogger("podseal.bundles")


class Counts(msgspec.Struct):
    """What happened, for the metrics: each only rises."""

    read: int = 0
    missing: int = 0
    broken: int = 0


class Bundles:
    """The bundles of one node. `root` is where the host's file system is seen, `more` are further places."""

    def __init__(self, root: Path = Path("/"), more: Iterable[Path] = ()) -> None:
        self.counts = Counts()
        self.places = (*more, *(root / place for place in PLACES))
        self._docker = root / DOCKER

    def present(self) -> list[Path]:
        """The places that exist: none means that no known runtime runs here."""
        return [place for place in self.places if place.is_dir()]

    def ids(self) -> Iterator[str]:
        """The ids of every container that has a bundle now."""
        for place in self.present():
            with os.scandir(place) as entries:
                yield from (entry.name for entry in entries if ID.fullmatch(entry.name))

    def read(self, container_id: str) -> bundle.Bundle | None:
        """A container's bundle; a broken one is counted, told once a container, and gives nothing."""
        for place in self.places:
            for file in (place / container_id / "config.json", place / container_id / "userdata" / "config.json"):
                data = _read(file)
                if data is not None:
                    return self._parse(container_id, file, data)
        self.counts.missing += 1
        return None

    def _parse(self, container_id: str, file: Path, data: bytes) -> bundle.Bundle | None:
        docker = _read(self._docker / container_id / "config.v2.json") or b""
        try:
            parsed = bundle.parse(container_id, data, docker)
        except bundle.BundleError as error:
            self.counts.broken += 1
            log.warning("%s: no OCI configuration: %s; its container stays without a name", file, error)
            return None
        self.counts.read += 1
        return parsed


def _read(file: Path) -> bytes | None:
    """The whole of a regular file, None where there is none or it is too large to be a configuration."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    data = rooted.read_regular(descriptor, LARGEST + 1)
    return data if data is not None and len(data) <= LARGEST else None
