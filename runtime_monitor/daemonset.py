"""Whether the sensor's pod ends for good: then what it pinned in the kernel goes with it.

In: the DaemonSet's name, a client of the API server, the folder of the pins. Out: one line of the log; the pins stay or
are removed. Called by `commands.run` once the sensor was told to stop. A pod that is restarted, upgraded or evicted
leaves its programs to the next one, which so misses nothing; a pod whose DaemonSet is deleted has no next one.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from runtime_monitor.kernel import pins
from runtime_monitor.kernel.libbpf import KernelError
from webhook import apiserver

SECONDS = 10.0
"""How long to ask; a pod has thirty to end in (terminationGracePeriodSeconds)."""
GONE = frozenset({401, 403, 404})
"""HTTP: the DaemonSet is not there, or the account or its right is not, which the chart gives and takes with it.

Helm deletes the DaemonSet before roles and accounts, but the pods end after both: their owner is deleted in the
background (propagationPolicy), so that 404 is not what they are told."""
log = logging.getLogger("podseal.daemonset")


class Name(Struct, frozen=True):
    """Which DaemonSet."""

    namespace: str
    name: str

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/daemonsets/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class _Metadata(Struct, frozen=True, rename="camel"):
    deletion_timestamp: str | None = None


class _DaemonSet(Struct, frozen=True):
    metadata: _Metadata


def is_gone(which: Name, client: apiserver.Client) -> bool:
    """Whether the DaemonSet is deleted, or about to be.

    Raises:
        Refused: the API server cannot be reached, or does not know.
    """
    try:
        body = client.get(which.path, accept=apiserver.METADATA, seconds=SECONDS)
    except apiserver.Refused as refused:
        if refused.status in GONE:
            return True
        raise
    try:
        found = msgspec.json.decode(body, type=_DaemonSet)
    except msgspec.DecodeError as error:
        raise apiserver.Refused(0, f"{which.path}: this is no DaemonSet: {error}") from error
    return found.metadata.deletion_timestamp is not None


def leave(which: Name, pinned: Path, connect: Callable[[], apiserver.Client]) -> None:
    """Remove the pins where the DaemonSet is gone; else, or where nobody says, leave them to the next sensor."""
    try:
        gone = is_gone(which, connect())
    except apiserver.Refused as refused:
        log.warning(
            "whether the DaemonSet %s is gone is unknown: %s; the programs stay pinned, podseal-monitor unload removes"
            " them",
            which,
            refused,
        )
        return
    if not gone:
        log.info("the DaemonSet %s stays: the programs stay pinned, and the next sensor adopts them", which)
        return
    try:
        count = pins.unload(pinned)
    except (KernelError, OSError) as error:
        log.error("the DaemonSet %s is gone, but its programs stay pinned: %s", which, error)  # noqa: TRY400 -- its text says everything
        return
    log.info("the DaemonSet %s is gone: %d programs removed from %s", which, count, pinned)
