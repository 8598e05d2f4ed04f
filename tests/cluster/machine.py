"""What stands on the machine that a cluster could leave behind.

In: the folders of beds that are somebody else's. Out: a `Snapshot`; the difference of two is what was left. Called by
the tests of teardown, beside which other sessions may run clusters of their own.
"""

import collections.abc
import dataclasses
import json
import pathlib
import subprocess

from tests.cluster import layouts, networks, processes, records, teardown, tunables


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Names of everything, as sets; `settings` holds `name=value`."""

    processes: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    network_namespaces: frozenset[str]
    cgroups: frozenset[str]
    records: frozenset[str]
    settings: frozenset[str]

    def added_since(self, before: "Snapshot") -> dict[str, list[str]]:
        """Return what is here and was not there before, by kind; empty when nothing was left."""
        kinds = (field.name for field in dataclasses.fields(self))
        added = {kind: sorted(getattr(self, kind) - getattr(before, kind)) for kind in kinds}
        return {kind: names for kind, names in added.items() if names}


def snapshot(others: collections.abc.Iterable[records.Record] = ()) -> Snapshot:
    """Look at the machine now, without what belongs to the clusters `others`.

    The kernel's settings are compared only where nobody else has changed them too.
    """
    others = list(others)
    folders = {record.folder for record in others}
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    named = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return Snapshot(
        processes=frozenset(
            f"{process.pid} of {folder}" for process, folder in processes.all_marked().items() if folder not in folders
        ),
        mounts=frozenset(
            f"{kind} on {point}"
            for point, kind in mounts
            if not any(pathlib.Path(point).is_relative_to(folder) for folder in folders)
        ),
        links=_links() - {link for record in others for link in teardown.links(networks.Network(record.network))},
        network_namespaces=frozenset(named.splitlines()),
        cgroups=_cgroups(folders),
        records=frozenset(str(record.folder) for record in records.load_all() if record.folder not in folders),
        settings=frozenset(() if others else (f"{name}={value}" for name, value in tunables.read().items())),
    )


def _links() -> frozenset[str]:
    listed = subprocess.run(["ip", "-json", "link", "show"], capture_output=True, text=True, check=True).stdout
    return frozenset(link["ifname"] for link in json.loads(listed))


def _cgroups(folders: set[pathlib.Path]) -> frozenset[str]:
    theirs = {bundle.name for folder in folders for bundle in layouts.Layout(folder).bundles.glob("*")}
    # The parent of all containers' cgroups stays as long as somebody's containerd may use it.
    ignored = theirs | ({teardown.CONTAINERD_NAMESPACE} if folders else set())
    return frozenset(
        str(group)
        for root in teardown.cgroup_hierarchies()
        for group in root.rglob("*/")
        if group.name not in ignored and group.parent.name not in theirs
    )
