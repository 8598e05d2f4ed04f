"""What stands on the machine that a cluster could leave behind.

In: nothing. Out: a `Snapshot`; the difference of two is what was left. Called by the tests of teardown.
"""

import dataclasses
import json
import pathlib
import subprocess

from tests.cluster import processes, records, tunables


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


def snapshot() -> Snapshot:
    """Look at the machine now: beds' processes; mounts, links, namespaces and cgroups of anybody."""
    listed = subprocess.run(["ip", "-json", "link", "show"], capture_output=True, text=True, check=True).stdout
    named = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    hierarchies = [pathlib.Path(point) for _, point, kind, *_ in mounts if kind in {"cgroup", "cgroup2"}]
    return Snapshot(
        processes=frozenset(f"{process.pid} of {folder}" for process, folder in processes.all_marked().items()),
        mounts=frozenset(f"{kind} on {point}" for _, point, kind, *_ in mounts),
        links=frozenset(link["ifname"] for link in json.loads(listed)),
        network_namespaces=frozenset(named.splitlines()),
        cgroups=frozenset(str(group) for root in hierarchies for group in root.rglob("*/")),
        records=frozenset(str(record.folder) for record in records.load_all()),
        settings=frozenset(f"{name}={value}" for name, value in tunables.read().items()),
    )
