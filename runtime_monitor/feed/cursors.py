"""How far each output has come: in a database of the feed's own, beside the spool that it may not write.

In: an output's name, the spool's identity, a number of an alert. Out: the same again after a restart. Called by
`delivery`. A position is saved after a delivery, so that a crash between them repeats alerts and loses none.
"""

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from runtime_monitor.feed.limits import Held

VERSION: Final = 1
TABLE: Final = (
    "CREATE TABLE cursor (output TEXT PRIMARY KEY, spool TEXT NOT NULL, seq INTEGER NOT NULL, held BLOB NOT NULL)"
)


class CursorsError(Exception):
    """The feed's own database cannot be used; the text names the file, the cause and the remedy."""


class Cursor(Struct, frozen=True):
    """The number of the last alert that is done with, in the spool of an identity, and what was held back since."""

    spool: str
    seq: int
    held: Held


class Cursors:
    """The positions of all outputs. Threads may share it.

    Raises:
        CursorsError: the file cannot be used. A damaged one is moved aside: then every output begins anew.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._connection = _connect(path)
        except (OSError, sqlite3.OperationalError) as error:
            raise CursorsError(f"{path}: {error}; give the feed a folder that it may write") from error
        except sqlite3.DatabaseError:
            path.replace(path.with_name(path.name + ".damaged"))
            self._connection = _connect(path)

    def get(self, output: str) -> Cursor | None:
        """Where an output stands; None where it never delivered anything."""
        with self._lock:
            row = self._connection.execute("SELECT spool, seq, held FROM cursor WHERE output = ?", (output,)).fetchone()
        return Cursor(row[0], row[1], msgspec.json.decode(row[2], type=Held)) if row else None

    def save(self, output: str, cursor: Cursor) -> None:
        """Keep a position. Raises `sqlite3.Error` where the disk does not take it: alerts are repeated then."""
        values = (output, cursor.spool, cursor.seq, msgspec.json.encode(cursor.held))
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", values)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        connection.close()
        raise CursorsError(f"{path}: version {version}, this program knows {VERSION}; run the one that wrote it")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not version:
        connection.executescript(f"BEGIN; {TABLE}; PRAGMA user_version = {VERSION}; COMMIT;")
    return connection
