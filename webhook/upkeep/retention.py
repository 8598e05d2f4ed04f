"""ExecSessions do not stay for ever: those that are too old go, and the oldest of too many.

In: the settings, the time. Out: deletions. The webhook does it, whose ServiceAccount alone may write ExecSessions;
podseal-certs, though elected, would need rights over records that it has nothing to do with. Nor does it need an
election: what one replica has deleted the next no longer finds, and a deletion that comes second is a 404. Pages of
metadata alone are read, and no more than the names of those that stay are kept in memory.
"""

import heapq
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import msgspec
from msgspec import Struct

from webhook import apiserver, metrics, sessions

PAGE = 500
log = logging.getLogger("podseal.retention")


class Limits(Struct, frozen=True):
    """How many days a session stays and how many of them; 0 means that there is no such limit."""

    days: int
    number: int


class Metadata(Struct, frozen=True, rename="camel", gc=False):
    """What is read of a session, and of a list."""

    name: str = ""
    creation_timestamp: datetime = datetime.max.replace(tzinfo=UTC)
    continue_: str = msgspec.field(default="", name="continue")


class Item(Struct, frozen=True, gc=False):
    """A session."""

    metadata: Metadata


class Page(Struct, frozen=True):
    """One page of them."""

    metadata: Metadata
    items: list[Item]


class Retention:
    """Keeps the number of sessions in one cluster within limits."""

    def __init__(
        self, client: apiserver.Client, limits: Limits, figures: metrics.Upkeep, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._limits = limits
        self._figures = figures
        self._clock = clock

    def work(self) -> None:
        """Look at every session once.

        Raises:
            apiserver.Refused: the list or a deletion was refused.
        """
        staying: list[tuple[datetime, str]] = []
        earliest = self._clock() - timedelta(days=self._limits.days)
        pushed_out = 0
        for created, name in self._sessions():
            if self._limits.days and created < earliest:
                self._delete(name, "age")
                continue
            if not self._limits.number:
                continue
            heapq.heappush(staying, (created, name))
            if len(staying) > self._limits.number:
                self._delete(heapq.heappop(staying)[1], "number")
                pushed_out += 1
        if pushed_out:
            # Whoever may exec can make so many that an older one goes: that must not happen unseen.
            log.warning("more than %d exec sessions: the %d oldest were deleted", self._limits.number, pushed_out)

    def _sessions(self) -> Iterator[tuple[datetime, str]]:
        query = {"limit": str(PAGE)}
        while True:
            body = self._client.get(sessions.PATH, query, accept=apiserver.METADATA_LIST)
            page = msgspec.json.decode(body, type=Page)
            for item in page.items:
                yield item.metadata.creation_timestamp, item.metadata.name
            if not page.metadata.continue_:
                return
            query["continue"] = page.metadata.continue_

    def _delete(self, name: str, reason: str) -> None:
        try:
            self._client.send("DELETE", f"{sessions.PATH}/{name}", None)
        except apiserver.Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            self._figures.deleted(reason)
