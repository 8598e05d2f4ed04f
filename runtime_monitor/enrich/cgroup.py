"""Which containers a cgroup path names: pure text, for cgroup v1, v2 and hybrid, and for every runtime in use.

In: a path, or the whole of /proc/PID/cgroup. Out: the ids in the path, the outermost first. Called by
`enrich.containers`, which knows which of them have a bundle on this node.

A path can hold several ids: a cluster inside a container (kind), a runtime inside a pod. Whoever may write to its own
cgroup can make sub-groups of any name below it, but none above: so the outermost id that the node's runtime knows is
the one to trust.
"""

import re

from msgspec import Struct

SEGMENT = re.compile(r"(?:^|(?P<prefix>.*)[-:])(?P<id>[0-9a-f]{64})(?:\.scope)?")
"""One folder of a path: `<id>` (cgroupfs), `cri-containerd-<id>.scope` (systemd), and
`kubepods-….slice:cri-containerd:<id>` (containerd where systemd's delegation is off)."""
RUNTIMES = {"cri-containerd": "containerd", "crio": "cri-o", "docker": "docker", "libpod": "podman"}
"""A segment's prefix -> the runtime, as the field `container.type` names it."""
PARENTS = {"docker": "docker", "k8s.io": "containerd", "libpod_parent": "podman"}
"""The folder above a bare id -> the runtime."""
MONITORS = ("conmon",)
"""Processes of the runtime that watch a container from outside, in a cgroup named like it."""
LONGEST = 4096  # PATH_MAX: no cgroup path is longer


class Named(Struct, frozen=True):
    """A container that a cgroup path names; `runtime` is empty where the path does not tell."""

    id: str
    runtime: str = ""


def containers(path: str) -> tuple[Named, ...]:
    """Every container in a cgroup path, the outermost first; none for a process of the host."""
    found: list[Named] = []
    parent = ""
    for segment in path[:LONGEST].split("/"):
        matched = SEGMENT.fullmatch(segment)
        if matched:
            prefix = matched["prefix"] or ""
            if not prefix.endswith(MONITORS):
                found.append(Named(matched["id"], _runtime(prefix, parent)))
        parent = segment
    return tuple(found)


def of_process(text: str) -> tuple[Named, ...]:
    """The same from the lines `hierarchy:controllers:path` of /proc/PID/cgroup (cgroups(7)).

    Where v1 and v2 are mounted side by side, a runtime may use only some of the hierarchies: the line with the most
    ids tells.
    """
    paths = (line.split(":", 2)[2] for line in text.splitlines() if line.count(":") >= 2)  # noqa: PLR2004 -- three columns
    return max((containers(path) for path in paths), key=len, default=())


def _runtime(prefix: str, parent: str) -> str:
    # With systemd's colon form the prefix still holds the slice: kubepods-besteffort-pod1.slice:cri-containerd
    return RUNTIMES.get(prefix.rpartition(":")[2], "") or PARENTS.get(parent, "")
