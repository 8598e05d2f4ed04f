"""What can be read of a damaged spool, moved into a new one.

In: the path of a spool that SQLite calls malformed. Out: a new file in its place with every row that could be read, the
damaged one beside it under another name. Called by `writer` when it opens the spool, or meets the damage later.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime_monitor.spool import schema

COLUMNS = "seq, id, time, priority, rule, namespace, pod, user, session, size, body"
SMALL_TABLES = ("identity", "run", "evicted", "status")
SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Salvaged:
    """What came over: rows read and rows known to be unreadable; `kept_as` is the damaged file's new name."""

    read: int
    unreadable: int
    kept_as: Path


def require_intact(connection: sqlite3.Connection, path: Path) -> None:
    """SQLite's own check of every page, without that of the indices' contents; closes a connection that fails it.

    Raises:
        schema.DamagedError: it found something.
    """
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        connection.close()
        raise schema.DamagedError(f"{path}: {' '.join(str(found).split())}")


def salvage(path: Path, sync: schema.Sync) -> Salvaged:
    """Put a new spool in the place of a damaged one.

    Raises:
        OSError, schema.SpoolError: the new one cannot be written; the damaged one is then still there.
    """
    damaged = _free_name(path)
    for suffix in SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            shutil.move(f"{path}{suffix}", f"{damaged}{suffix}")
    target = schema.open_to_write(path, sync)
    read = unreadable = 0
    try:
        target.execute("BEGIN IMMEDIATE")
        for row in _rows(damaged, target):
            if row is None:
                unreadable += 1
            else:
                marks = ", ".join("?" * len(row))
                cursor = target.execute(f"INSERT OR IGNORE INTO alert ({COLUMNS}) VALUES ({marks})", row)  # noqa: S608 -- constants
                read += cursor.rowcount
        target.execute("COMMIT")
    finally:
        target.close()
    return Salvaged(read, unreadable, damaged)


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return name


def _rows(damaged: Path, target: sqlite3.Connection) -> Iterator[tuple[object, ...] | None]:
    """Each row by its number, so that one bad page costs its own rows alone; None for a row that cannot be read."""
    source = sqlite3.connect(damaged, isolation_level=None)
    source.text_factory = bytes
    try:
        _copy_small_tables(source, target)
        for seq in _numbers(source):
            try:
                found = source.execute(f"SELECT {COLUMNS} FROM alert WHERE seq = ?", (seq,)).fetchone()  # noqa: S608 -- constants
                yield None if found is None else tuple(_text(value, column) for column, value in enumerate(found))
            except (sqlite3.DatabaseError, UnicodeDecodeError):
                yield None
    finally:
        source.close()


BODY = COLUMNS.split(", ").index("body")


def _text(value: object, column: int) -> object:
    return value.decode() if isinstance(value, bytes) and column != BODY else value


def _copy_small_tables(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    for table in SMALL_TABLES:
        with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            for row in source.execute(f"SELECT * FROM {table}").fetchall():  # noqa: S608 -- constants
                values = tuple(
                    _text(value, BODY if table == "status" and column else 0) for column, value in enumerate(row)
                )
                marks = ", ".join("?" * len(row))
                target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)  # noqa: S608 -- constants


def _numbers(source: sqlite3.Connection) -> list[int]:
    """Every row's number that the table or one of its indices still knows."""
    found: set[int] = set()
    for query in (
        "SELECT seq FROM alert INDEXED BY alert_giving_way",
        "SELECT seq FROM alert NOT INDEXED",
        "SELECT seq FROM alert NOT INDEXED ORDER BY seq DESC",
    ):
        with contextlib.suppress(sqlite3.DatabaseError):
            for (seq,) in source.execute(query):
                found.add(int(seq))
    return sorted(found)
