"""One report object for each namespace, in the API that the cluster serves for it.

In: results of namespaces. Out: objects in the API server, named `podseal`: written in place, and removed where there is
nothing to report on any more. Called by `webhook.commands.scan`.
PolicyReport of wgpolicyk8s.io/v1alpha2 is what today's tools read; Report of openreports.io/v1alpha1, its successor, is
used only where the former is not served. Never both: every finding would count twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from webhook import apiserver, namespaces
from webhook.check import model as check_model
from webhook.policy import controls, labels
from webhook.scan import model, pages

SOURCE: Final = "podseal"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
CUT: Final = f"{labels.PREFIX}results-cut"
MOST_BYTES: Final = 1_000_000
"""Of results in one object. etcd takes requests of 1.5 MiB (--max-request-bytes), and the rest needs room."""
NOT_FOUND: Final = 404

SEVERITY: Final = {"baseline": "high", "default": "medium", "strict": "low"}
"""The weakest profile that checks a control -> the severity; v1alpha2 knows these three in all its editions."""
RESULT: Final = {"deny": "fail", "warn": "warn", "audit": "warn"}
API_VERSIONS: Final = {
    "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1",
    "Job": "batch/v1", "Pod": "v1", "ReplicationController": "v1",
}  # fmt: skip
"""Kind of an owner -> its API version; of kinds that are not Kubernetes' own it is left out."""


class Api(Struct, frozen=True):
    """An API of reports."""

    group_version: str
    kind: str
    plural: str
    has_source: bool

    def path(self, namespace: str = "") -> str:
        """Of all reports, or those of a namespace."""
        inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"/apis/{self.group_version}{inside}/{self.plural}"


APIS = (
    Api("wgpolicyk8s.io/v1alpha2", "PolicyReport", "policyreports", has_source=False),
    Api("openreports.io/v1alpha1", "Report", "reports", has_source=True),
)


class Resource(Struct, frozen=True):
    """One entry of an APIResourceList."""

    name: str


class Resources(Struct, frozen=True):
    """What a group and version serves."""

    resources: list[Resource] = []


class Metadata(Struct, frozen=True, rename="camel"):
    """Where an object is, and whether it is about to go."""

    namespace: str = ""
    name: str = ""
    deletion_timestamp: str = ""


class Existing(Struct, frozen=True):
    """A report of ours, or a namespace."""

    metadata: Metadata


EXISTING = msgspec.json.Decoder(pages.Page[Existing])


def discover(client: apiserver.Client) -> Api:
    """The API to write.

    Raises:
        apiserver.Refused: the cluster serves neither, or does not answer.
    """
    for api in APIS:
        try:
            body = client.get(f"/apis/{api.group_version}")
        except apiserver.Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            continue
        if any(each.name == api.plural for each in msgspec.json.decode(body, type=Resources).resources):
            return api
    wanted = " nor ".join(f"{api.plural}.{api.group_version.replace('/', ' (')})" for api in APIS)
    raise apiserver.Refused(0, f"the cluster serves neither {wanted}; install the definitions of one of them first")


def report(api: Api, namespace: model.Namespace, now: datetime, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The object of one namespace. Its summary counts everything, also what no longer fits among the results."""
    counts = namespace.counts
    results, cut = _fitting(_results(namespace, now), most_bytes)
    clean = counts.owners - sum(bool(owner.rows or owner.waived) for owner in namespace.owners)
    cut += counts.cut
    metadata: dict[str, Any] = {
        "name": SOURCE,
        "namespace": namespace.name,
        "labels": {MANAGED_BY: SOURCE},
        "annotations": {CUT: str(cut)} if cut else {},
    }
    summary = {
        "pass": clean,
        "fail": counts.deny,
        "warn": counts.warn + counts.audit,
        "error": 0,
        "skip": counts.waived,
    }
    made: dict[str, Any] = {
        "apiVersion": api.group_version,
        "kind": api.kind,
        "metadata": metadata,
        "scope": {"apiVersion": "v1", "kind": "Namespace", "name": namespace.name},
        "summary": summary,
        "results": results,
    }
    return made | ({"source": SOURCE} if api.has_source else {})


def _results(namespace: model.Namespace, now: datetime) -> Iterator[dict[str, Any]]:
    """The worst first: what is cut is what matters least."""
    rows = [row for owner in namespace.owners for row in owner.rows]
    for mode in RESULT:
        for row in rows:
            if row.mode == mode:
                yield _result(row, RESULT[mode], row.message, now)
    for owner in namespace.owners:
        for waived in owner.waived:
            why = " ".join(part for part in (waived.label, waived.reason, waived.ticket) if part)
            yield _result(waived, "skip", f"{waived.message} Let pass by {why}", now)


def _result(row: check_model.Row, result: str, message: str, now: datetime) -> dict[str, Any]:
    control = controls.CONTROLS[row.control]
    weakest = min((rule.profile for rule in control.rules), key=controls.RANK.__getitem__)
    resource = {"kind": row.kind, "namespace": row.namespace, "name": row.name}
    if row.kind in API_VERSIONS:
        resource["apiVersion"] = API_VERSIONS[row.kind]
    return {
        "source": SOURCE,
        "policy": SOURCE,
        "rule": row.control,
        "category": "Container immutability",
        "severity": SEVERITY[weakest],
        "result": result,
        "scored": result == "fail",
        "message": message,
        "resources": [resource],
        "timestamp": {"seconds": int(now.timestamp()), "nanos": 0},
        "properties": {"mode": row.mode, "container": row.container, "path": row.path},
    }


def _fitting(results: Iterable[dict[str, Any]], most_bytes: int) -> tuple[list[dict[str, Any]], int]:
    """As many results as the bytes hold, and how many do not fit."""
    fitting: list[dict[str, Any]] = []
    size = cut = 0
    for result in results:
        size += len(msgspec.json.encode(result)) + 1
        if size > most_bytes:
            cut += 1
        else:
            fitting.append(result)
    return fitting, cut


class Writer:
    """Writes reports as results come, and removes afterwards what is stale."""

    def __init__(self, client: apiserver.Client, now: datetime) -> None:
        self.api = discover(client)
        self.written = 0
        self.removed = 0
        self._client = client
        self._now = now
        self._names: set[str] = set()

    def write(self, namespace: model.Namespace) -> None:
        """Make or change the report of a namespace that has pods.

        Raises:
            apiserver.Refused: the API server refused; the text names the missing right.
        """
        if not namespace.counts.pods:
            return
        body = msgspec.json.encode(report(self.api, namespace, self._now)).decode()
        path = f"{self.api.path(namespace.name)}/{SOURCE}?fieldManager={SOURCE}&force=true"
        try:
            # Server-side apply is one request whether the object exists or not, and replaces the results as a whole.
            self._client.send("PATCH", path, body, content_type="application/apply-patch+yaml")
        except apiserver.Refused:
            if not self._is_ending(namespace.name):
                raise
            return
        self._names.add(namespace.name)
        self.written += 1

    def _is_ending(self, namespace: str) -> bool:
        """Whether a namespace is gone or going: its pods may still run, but nothing can be created there any more."""
        try:
            body = self._client.get(f"{namespaces.PATH}/{quote(namespace, safe='')}", accept=apiserver.METADATA)
        except apiserver.Refused as refused:
            return refused.status == NOT_FOUND
        return bool(msgspec.json.decode(body, type=Existing).metadata.deletion_timestamp)

    def remove_stale(self, only: Iterable[str] = ()) -> None:
        """Delete our reports on namespaces without a result, among these or in the whole cluster.

        Raises:
            apiserver.Refused: the API server refused; the text names the missing right.
        """
        query = {"labelSelector": f"{MANAGED_BY}={SOURCE}"}
        paths = [self.api.path(name) for name in only] or [self.api.path()]
        stale = [
            each.metadata
            for path in paths
            for each in pages.items(self._client, path, EXISTING, query)
            if each.metadata.name == SOURCE and each.metadata.namespace not in self._names
        ]
        for found in stale:
            try:
                self._client.send("DELETE", f"{self.api.path(found.namespace)}/{found.name}", None)
            except apiserver.Refused as refused:
                # It went with its namespace meanwhile.
                if refused.status != NOT_FOUND:
                    raise
            self.removed += 1
