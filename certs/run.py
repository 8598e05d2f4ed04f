"""The loop of `podseal-certs run`: hold the Lease, take what is due, register, wait; until it is told to stop.

Every pass looks at everything anew, so nothing is remembered that a restart would lose. A failure is logged as
one line and tried again after a back-off with jitter; only a bug ends the process. What Kubernetes knows of the
loop is its log and, through `podseal-certs status`, what it has made of the Secret.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from certs import errors, reconcile

Log = Callable[..., None]
"""Called with a message and fields as keywords; writes one line."""

_FIRST_RETRY = dt.timedelta(seconds=1)
_SOON_SECONDS = 2.0
"""An installation waits for its webhook's first answer, and should not wait for the interval after it."""


class Lease(Protocol):
    """Which replica works."""

    def hold(self) -> bool:
        """Acquire or renew; whether this replica holds it now."""

    def release(self) -> None:
        """Give it up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Loop:
    """What the loop needs beside the site.

    Args:
        register: registers the webhooks that answer, and says why others wait; see `cluster.register`.
        lease: held while passes run; None where no other replica is.
        interval: from one pass to the next.
        pause: waits for some seconds; true when the loop is to stop.
        jitter: a number from 0 to 1, so that replicas do not beat together.
        log: where lines go.
    """

    register: Callable[[], Sequence[errors.CertsError]]
    lease: Lease | None
    interval: dt.timedelta
    pause: Callable[[float], bool]
    jitter: Callable[[], float] = random.random
    log: Log = print


def once(site: reconcile.Site, log: Log) -> None:
    """One pass.

    Raises:
        errors.CertsError: something cannot be read or written.
    """
    for step in reconcile.due(site):
        log(step.done, reason=step.reason)


def forever(site: reconcile.Site, loop: Loop) -> None:
    """Passes until `pause` says stop. Never raises for what the cluster does."""
    failures = 0
    last = ""
    waiting: Sequence[str] = ()
    while True:
        try:
            manner = "works" if loop.lease is None or loop.lease.hold() else "waits, another replica holds the Lease"
            if manner != last:
                loop.log(manner)
                last = manner
            if manner == "works":
                once(site, loop.log)
                waiting = _register(loop, waiting)
            if failures:
                loop.log("has recovered")
            failures = 0
        except errors.CertsError as error:
            failures += 1
            loop.log("failed, will be tried again", place=error.place, cause=error.cause, remedy=error.remedy)
        if loop.pause(_wait(loop, failures, soon=bool(waiting))):
            break
    _release(loop)


def _register(loop: Loop, before: Sequence[str]) -> Sequence[str]:
    """Register, and tell of what waits when that has changed."""
    waiting = loop.register()
    reasons = [str(error) for error in waiting]
    if reasons != list(before):
        for error in waiting:
            loop.log("waits for a webhook", place=error.place, cause=error.cause, remedy=error.remedy)
    return reasons


def _wait(loop: Loop, failures: int, *, soon: bool) -> float:
    """Seconds until the next pass: the interval give or take a fifth; less after failures (doubling), or if `soon`."""
    interval = loop.interval.total_seconds()
    if failures:
        backoff = _FIRST_RETRY.total_seconds() * 2.0 ** min(failures - 1, 10)
        return min(interval, backoff) * (0.5 + loop.jitter() / 2)
    return (min(interval, _SOON_SECONDS) if soon else interval) * (0.8 + 0.4 * loop.jitter())


def _release(loop: Loop) -> None:
    loop.log("stops")
    if loop.lease is None:
        return
    try:
        loop.lease.release()
    except errors.CertsError as error:  # it ends by itself after its duration
        loop.log("could not release the Lease", place=error.place, cause=error.cause, remedy=error.remedy)
