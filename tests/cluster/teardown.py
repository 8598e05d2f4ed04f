"""Removes a bed, whatever state it is in, by what it left on the machine rather than by what its programs would do.

In: the bed's record. Out: nothing of it is left. Called by bed when it stops or when its start fails, by
`python -m tests.cluster down`, and for beds whose owner died.

Everything is killed at once: the data is thrown away, and what a clean shutdown would undo (mounts, network
namespaces, cgroups) is undone here, since after a crash nobody else would.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

from tests.cluster import layouts, networks, processes, records, tunables, waiting

# Folders that containerd, the network plugins and the kubelet have fixed, the same for all beds of a machine.
_CNI_RESULTS = pathlib.Path("/var/lib/cni/results")
_CONTAINER_LOGS = pathlib.Path("/var/log/containers")
_SHIM_SOCKETS = pathlib.Path("/run/containerd/s")
_DEVICE_PLUGINS = pathlib.Path("/var/lib/kubelet/device-plugins")
CONTAINERD_NAMESPACE = "k8s.io"


def remove(made: records.Record) -> None:
    """End the bed's processes and remove its containers, mounts, links, cgroups and files, then its record.

    Raises:
        TimeoutError: something could not be removed; the record stays, so that a later call can go on.
    """
    layout = layouts.Layout(made.folder)
    containers = _containers(layout)
    processes.kill_all(lambda: processes.marked(made.folder), f"the programs of {made.folder}")
    containers |= _containers(layout)
    groups = [group for container in containers for group in cgroups(container)]
    processes.kill_all(lambda: _members(groups), f"the containers of {made.folder}")
    waiting.until(lambda: _unmounted(made.folder), f"the mounts below {made.folder} to go")
    for link in links(networks.Network(made.network)):
        subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
    waiting.until(lambda: not links(networks.Network(made.network)), "the pods' network links to go")
    waiting.until(lambda: not [group for group in groups if not _removed(group)], "the containers' cgroups to go")
    for root in cgroup_hierarchies():
        with contextlib.suppress(OSError):  # absent, or another bed's containers are in it
            (root / CONTAINERD_NAMESPACE).rmdir()
    _remove_shared_files(layout, containers)
    if not processes.all_marked():  # another bed still needs these, and its teardown will come here
        tunables.restore(made.tunables)
        (_DEVICE_PLUGINS / "kubelet.sock").unlink(missing_ok=True)
        _remove_empty_folders()
    for part in layout.parts():
        shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink(missing_ok=True)
    if made.folder.is_dir() and not any(made.folder.iterdir()):
        made.folder.rmdir()
    records.forget(made.folder)


def mounts(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the mount points at or below `folder`, in the order of mounting."""
    points = []
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        # proc(5): blanks and backslashes in a path are octal escapes.
        point = pathlib.Path(line.split()[1].encode().decode("unicode_escape"))
        if point.is_relative_to(folder):
            points.append(point)
    return points


def links(network: networks.Network) -> list[str]:
    """Return the host's ends of the pods' veth pairs: the links that carry the gateway's address."""
    listed = subprocess.run(["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, check=True)
    return [
        link["ifname"]
        for link in json.loads(listed.stdout)
        if any(address.get("local") == network.pod_gateway for address in link.get("addr_info", ()))
    ]


def cgroup_hierarchies() -> list[pathlib.Path]:
    """Return where the cgroup hierarchies are mounted, v1 and v2."""
    mounted = (line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines())
    return [pathlib.Path(fields[1]) for fields in mounted if fields[2] in {"cgroup", "cgroup2"}]


def cgroups(container: str) -> list[pathlib.Path]:
    """Return a container's cgroup in each hierarchy where it exists."""
    paths = (root / CONTAINERD_NAMESPACE / container for root in cgroup_hierarchies())
    return [path for path in paths if path.is_dir()]


def _containers(layout: layouts.Layout) -> set[str]:
    return {bundle.name for bundle in layout.bundles.iterdir()} if layout.bundles.is_dir() else set()


def _members(groups: list[pathlib.Path]) -> list[processes.ProcessId]:
    found = []
    for group in groups:
        for listing in group.rglob("cgroup.procs") if group.is_dir() else ():
            try:
                numbers = listing.read_text().split()
            except OSError:
                continue
            found += [processes.identify(int(number)) for number in numbers]
    return [process for process in found if process.alive()]


def _unmounted(folder: pathlib.Path) -> bool:
    for point in reversed(mounts(folder)):
        subprocess.run(["umount", point], capture_output=True, check=False)
    return not mounts(folder)


def _removed(group: pathlib.Path) -> bool:
    """Remove a cgroup with those below it; False while the kernel holds it."""
    for below, _, _ in os.walk(group, topdown=False):
        try:
            pathlib.Path(below).rmdir()
        except OSError:
            return False
    return True


def _remove_shared_files(layout: layouts.Layout, containers: set[str]) -> None:
    for bundle in layout.bundles.iterdir() if layout.bundles.is_dir() else ():
        address = bundle / "address"
        socket = pathlib.Path(address.read_text().removeprefix("unix://")) if address.is_file() else None
        if socket is not None and socket.is_relative_to(_SHIM_SOCKETS):
            socket.unlink(missing_ok=True)
    for result in _CNI_RESULTS.iterdir() if _CNI_RESULTS.is_dir() else ():
        if any(container in result.name for container in containers):
            result.unlink(missing_ok=True)
    for log in _CONTAINER_LOGS.iterdir() if _CONTAINER_LOGS.is_dir() else ():
        if log.is_symlink() and log.readlink().is_relative_to(layout.folder):
            log.unlink(missing_ok=True)


def _remove_empty_folders() -> None:
    with_parent = (_CNI_RESULTS, _SHIM_SOCKETS, _DEVICE_PLUGINS)
    for folder in (_CONTAINER_LOGS, *(each for child in with_parent for each in (child, child.parent))):
        with contextlib.suppress(OSError):
            folder.rmdir()
