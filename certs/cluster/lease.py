"""A Lease (coordination.k8s.io): which of several replicas works. Called by `run`.

It spares the API server idle rivals. Safety does not rest on it: two replicas that both believe to hold it are
kept apart by resourceVersions (see `reconcile`).

A Lease that is missing is made only when it has been so for a while: an installation that brings one (Helm makes it
after the Deployment) would fail if it were there already.

As in client-go, a holder counts as gone when its record has not changed for its duration on this machine's own
monotonic clock: the times in the record were written by another clock. Rights that it needs: get, patch and create,
all bound to the one name.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from certs import errors
from certs.cluster import api

_LATE_SECONDS = 20.0
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclasses.dataclass(frozen=True, slots=True)
class Clocks:
    """The two times that a Lease needs: one for its record, one to measure by (seconds)."""

    wall: Callable[[], dt.datetime]
    monotonic: Callable[[], float]


class Lease:
    """One Lease and this replica's view of it.

    Args:
        server: the API server.
        address: made by `address`.
        holder: this replica's name, unique among them.
        duration: for how long a record counts without a change.
        clocks: the times.
    """

    def __init__(
        self, server: api.Api, address: api.Address, holder: str, duration: dt.timedelta, clocks: Clocks
    ) -> None:
        self._api = server
        self._address = address
        self._holder = holder
        self._duration = duration
        self._clocks = clocks
        self._seen = ""
        self._seen_at = 0.0
        self._missing_since: float | None = None

    def hold(self) -> bool:
        """Acquire or renew; whether this replica holds it now.

        Raises:
            errors.CertsError: the API server is away or refuses, or there is no Lease yet.
        """
        try:
            found = self._api.get(self._address) or self._made()
            self._missing_since = None
            if not self._free(found):
                return False
            body = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}}
            self._api.merge(self._address, body | {"spec": self._record(found.get("spec") or {})})
        except errors.ConflictError:
            return False
        return True

    def _made(self) -> api.Object:
        """The Lease, made now; not before it has been missing for some time."""
        now = self._clocks.monotonic()
        self._missing_since = now if self._missing_since is None else self._missing_since
        left = min(_LATE_SECONDS, self._duration.total_seconds() / 4) - (now - self._missing_since)
        if left > 0:
            remedy = f"nothing: it is made in {left:.0f} s, unless the installation does so before"
            raise errors.CertsError(str(self._address), "does not exist yet", remedy)
        return self._api.ensure(self._address)

    def release(self) -> None:
        """Give it up, if it is held, so that the next replica need not wait.

        Raises:
            errors.CertsError: the API server is away or refuses.
        """
        found = self._api.get(self._address)
        if found is None or (found.get("spec") or {}).get("holderIdentity") != self._holder:
            return
        body = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}}
        try:
            self._api.merge(self._address, body | {"spec": {"holderIdentity": ""}})
        except errors.ConflictError:
            return  # somebody else has taken it already

    def _free(self, found: api.Object) -> bool:
        spec = found.get("spec") or {}
        if spec.get("holderIdentity") in (None, "", self._holder):
            return True
        version = found["metadata"]["resourceVersion"]
        if version != self._seen:
            self._seen = version
            self._seen_at = self._clocks.monotonic()
        duration = spec.get("leaseDurationSeconds") or self._duration.total_seconds()
        return self._clocks.monotonic() - self._seen_at >= duration

    def _record(self, before: dict[str, Any]) -> dict[str, Any]:
        now = self._clocks.wall().strftime(_MICRO_TIME)
        record = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": max(1, int(self._duration.total_seconds())),
            "renewTime": now,
        }
        if before.get("holderIdentity") != self._holder:
            record["acquireTime"] = now
            record["leaseTransitions"] = (before.get("leaseTransitions") or 0) + (1 if before else 0)
        return record


def address(namespace: str, name: str) -> api.Address:
    """Where a Lease lives."""
    return api.Address("coordination.k8s.io", "leases", "Lease", name, namespace)
