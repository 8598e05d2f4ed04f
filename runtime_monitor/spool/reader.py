"""The feed's end of the spool: reads, and has no right to write.

In: the path of a spool that a sensor of another user writes. Out: `Entry`s in the order in which they were written,
one page of those that a `Query` asks for, what gave way unread, the sensor's status. Called by the feed's sinks, each
with a position of its own, by its API and its page. A reader belongs to one thread.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from runtime_monitor import alerts
from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.spool import schema

SCANNED: Final = 20_000
"""How many rows one page looks at; the next page goes on where it stopped, so that no question keeps a thread long."""
Answer = TypeVar("Answer")


class Entry(Struct, frozen=True):
    """A row of the spool: its number, its priority, and the encoded alert."""

    seq: int
    priority: int
    body: bytes

    def alert(self) -> Alert:
        """The alert; raises `msgspec.DecodeError` where the disk damaged it."""
        return alerts.decode(self.body)


class Query(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts a page holds. `priority` is the least grave one; times are nanoseconds since the epoch.

    `rule` and `pod` may hold `*` and `?`.
    """

    priority: Priority = Priority.DEBUG
    rule: str = ""
    namespace: str = ""
    pod: str = ""
    user: str = ""
    session: str = ""
    since: int | None = None
    until: int | None = None

    def condition(self) -> tuple[str, list[object]]:
        """An SQL condition on the columns of `alert`, and its parameters."""
        terms = ["priority <= ?"]
        values: list[object] = [int(self.priority)]
        for column in ("rule", "pod"):
            if value := getattr(self, column):
                terms.append(f"{column} GLOB ?")
                values.append(value.replace("[", "[[]"))
        for column in ("namespace", "user", "session"):
            if value := getattr(self, column):
                terms.append(f"{column} = ?")
                values.append(value)
        for operator, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                terms.append(f"time {operator} ?")
                values.append(moment)
        return " AND ".join(terms), values


class Page(Struct, frozen=True):
    """The newest first. `next` is where the following page begins, None where nothing older is left."""

    entries: list[Entry]
    next: int | None


class SessionSummary(Struct, frozen=True):
    """A session, from the alerts that name it."""

    session: str
    first: int
    last: int
    alerts: int
    priority: int
    namespace: str | None
    pod: str | None
    user: str | None


class Reader:
    """Reads one spool. Opens it when it is first asked, and anew when a new file has taken its place.

    Every method raises `SpoolError` while there is no readable spool.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int, bool] | None = None

    def identity(self) -> str:
        """Which spool this is: positions in another one mean nothing here."""

        def ask(connection: sqlite3.Connection) -> str:
            row = connection.execute("SELECT id FROM identity").fetchone()
            if row is None:
                raise schema.SpoolError(f"{self._path}: nothing was written to it yet; does the sensor run?")
            return str(row[0])

        return self._ask(ask)

    def last(self) -> int:
        """The number of the newest alert ever written; 0 where there is none."""

        def ask(connection: sqlite3.Connection) -> int:
            query = "SELECT coalesce(max(last), 0) FROM run WHERE last > number * ?"
            return int(connection.execute(query, (schema.RUN,)).fetchone()[0])

        return self._ask(ask)

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The next alerts behind a number, the oldest first."""
        query = "SELECT seq, priority, body FROM alert WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._ask(lambda connection: [Entry(*row) for row in connection.execute(query, (seq, limit))])

    def written(self, after: int, upto: int) -> int:
        """How many alerts were ever given a number in `(after, upto]`: those not found any more gave way."""

        def ask(connection: sqlite3.Connection) -> int:
            runs = connection.execute(
                "SELECT number, last FROM run WHERE last > ? ORDER BY number", (after,)
            ).fetchall()
            bounds = ((max(after, number * schema.RUN), min(upto, last)) for number, last in runs)
            return sum(max(0, high - low) for low, high in bounds)

        return self._ask(ask)

    def page(self, query: Query, before: int | None = None, limit: int = 100) -> Page:
        """The newest alerts that a query asks for, older than the number `before`."""
        condition, values = query.condition()
        bound = before if before is not None else 2**62

        def ask(connection: sqlite3.Connection) -> Page:
            floor = connection.execute(
                "SELECT seq FROM alert WHERE seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ?", (bound, SCANNED - 1)
            ).fetchone()
            lowest = floor[0] if floor else 0
            rows = connection.execute(
                "SELECT seq, priority, body FROM alert WHERE seq < ? AND seq >= ? "  # noqa: S608 -- columns are constants
                f"AND {condition} ORDER BY seq DESC LIMIT ?",
                (bound, lowest, *values, limit),
            ).fetchall()
            entries = [Entry(*row) for row in rows]
            if len(entries) == limit:
                return Page(entries, entries[-1].seq)
            return Page(entries, lowest or None)

        return self._ask(ask)

    def sessions(self, limit: int = 100) -> list[SessionSummary]:
        """The sessions whose alerts are the newest."""
        query = """
            SELECT session, min(time), max(time), count(*), min(priority), max(namespace), max(pod), max(user)
            FROM alert WHERE session IS NOT NULL AND seq > ?
            GROUP BY session ORDER BY max(seq) DESC LIMIT ?
        """

        def ask(connection: sqlite3.Connection) -> list[SessionSummary]:
            floor = connection.execute(
                "SELECT seq FROM alert ORDER BY seq DESC LIMIT 1 OFFSET ?", (SCANNED - 1,)
            ).fetchone()
            return [SessionSummary(*row) for row in connection.execute(query, (floor[0] if floor else 0, limit))]

        return self._ask(ask)

    def session(self, identifier: str, limit: int = 1000) -> list[Entry]:
        """The alerts of one session, the oldest first."""
        query = "SELECT seq, priority, body FROM alert WHERE session = ? ORDER BY seq LIMIT ?"
        return self._ask(lambda connection: [Entry(*row) for row in connection.execute(query, (identifier, limit))])

    def evicted(self) -> dict[Priority, int]:
        """How many alerts gave way since the spool was made, by priority."""
        query = "SELECT priority, count FROM evicted"
        return self._ask(lambda connection: {Priority(row[0]): int(row[1]) for row in connection.execute(query)})

    def status(self) -> dict[str, Any]:
        """What the sensor reported of itself, by name."""
        query = "SELECT name, body FROM status"
        return self._ask(
            lambda connection: {name: msgspec.json.decode(body) for name, body in connection.execute(query)}
        )

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._opened = None

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with self._as_spool_error():
            found = os.stat(self._path)  # noqa: PTH116 -- once a poll and reader
            resting = not os.path.exists(f"{self._path}-wal")  # noqa: PTH110 -- likewise
            state = (found.st_dev, found.st_ino, resting)
            if self._connection is None or state != self._opened:
                self.close()
                self._connection, self._opened = schema.open_to_read(self._path), state
            return question(self._connection)

    @contextlib.contextmanager
    def _as_spool_error(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, schema.SpoolError) as error:
            self.close()
            if isinstance(error, schema.SpoolError):
                raise
            raise schema.SpoolError(
                f"{self._path}: {error}; does the sensor run, and may this user read it?"
            ) from error
