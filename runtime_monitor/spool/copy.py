"""A copy of a log of alerts that has numbers of its own, in the spool's form, so that `reader` reads it like any spool.

In: alerts with their numbers in the original, which only rise. Out: rows with the same numbers. Called by the cluster's
feed, which copies a stream of all nodes. A copy can be made anew at any time: what cannot be used of it is thrown away.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from runtime_monitor.spool import schema
from runtime_monitor.spool.writer import INSERT, Row

RUN: Final = 0
"""The original's numbers are those of one run without a beginning of its own."""
FORGOTTEN_AT_ONCE: Final = 5000


class Copy:
    """The one writer of a copy.

    Raises:
        SpoolError: the file cannot be used, and no new one can be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._connection = schema.open_to_write(path, "normal")
        except schema.SpoolError:
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + end).unlink()
            self._connection = schema.open_to_write(path, "normal")

    @property
    def last(self) -> int:
        """The highest number that the copy came to; 0 before the first."""
        row = self._connection.execute("SELECT last FROM run WHERE number = ?", (RUN,)).fetchone()
        return int(row[0]) if row else 0

    def begin(self, identity: str) -> None:
        """Be a copy of this original. What is there of another one is thrown away."""
        if self._connection.execute("SELECT id FROM identity").fetchone() == (identity,):
            return
        with self._transaction() as connection:
            for table in ("identity", "run", "alert", "evicted", "status"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- a constant
            connection.execute("INSERT INTO identity VALUES (?)", (identity,))
            connection.execute("INSERT INTO run VALUES (?, 0)", (RUN,))

    def take(self, rows: Sequence[tuple[int, Row]], last: int) -> int:
        """Add alerts and their numbers; `last` is how far the original was read. How many were not there already.

        An alert's id is its key: of one that the original holds twice, the first is kept.
        """
        with self._transaction() as connection:
            before = connection.total_changes
            connection.executemany(INSERT, [row.values(number) for number, row in rows])
            added = connection.total_changes - before
            connection.execute("UPDATE run SET last = ? WHERE number = ?", (last, RUN))
        return added

    def forget(self, first: int) -> int:
        """Remove some of the alerts before the number `first`, as the original did; how many were removed."""
        with self._transaction() as connection:
            return connection.execute(
                "DELETE FROM alert WHERE seq IN (SELECT seq FROM alert WHERE seq < ? ORDER BY seq LIMIT ?)",
                (first, FORGOTTEN_AT_ONCE),
            ).rowcount

    def report(self, name: str, body: Any) -> None:  # noqa: ANN401 -- whatever JSON can say
        """Leave a word for readers, as a spool's sensor does."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO status VALUES (?, ?)", (name, msgspec.json.encode(body)))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
