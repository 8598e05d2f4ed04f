"""The spool's file: its tables, their version, and how it is opened for writing and for reading.

In: a path. Out: an SQLite connection, or a `SpoolError` that names the remedy. Called by `writer` and `reader`.

A row's number `seq` is `<run> * 2**32 + <count>`: each start of a writer is a run of its own, so that a number is never
given twice, even where a power cut took the last alerts of a run back. `run.last` holds the last number of each run,
from which a reader knows how many alerts gave way before it came to them.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final, Literal

Sync = Literal["normal", "full"]

APPLICATION_ID: Final = int.from_bytes(b"psal")
RUN: Final = 2**32
"""How many alerts a run can number."""

MIGRATIONS: Final = (
    """
    CREATE TABLE identity (id TEXT NOT NULL);
    CREATE TABLE run (number INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    CREATE TABLE alert (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        time INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        rule TEXT NOT NULL,
        namespace TEXT,
        pod TEXT,
        user TEXT,
        session TEXT,
        size INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX alert_giving_way ON alert (priority DESC, seq, size);
    CREATE INDEX alert_session ON alert (session, seq) WHERE session IS NOT NULL;
    CREATE TABLE evicted (priority INTEGER PRIMARY KEY, count INTEGER NOT NULL);
    CREATE TABLE status (name TEXT PRIMARY KEY, body BLOB NOT NULL);
    """,
)
"""MIGRATIONS[n] leads from version n to n + 1; version 0 is an empty file. A script that was released never changes."""

VERSION: Final = len(MIGRATIONS)
JOURNAL_BYTES: Final = 16 * 1024 * 1024
"""How long the write-ahead log may grow, beside the spool's own bound."""
PAGE_BYTES: Final = 4096
BUSY_SECONDS: Final = 5.0


class SpoolError(Exception):
    """The spool cannot be used; the text names the file, the cause and the remedy."""


class DamagedError(SpoolError):
    """The file is no intact SQLite database; `salvage` saves what can be read of it."""


def open_to_write(path: Path, sync: Sync) -> sqlite3.Connection:
    """A connection for the one writer; makes the file, or brings it to this version.

    The file's mode 0640 lets its group read; SQLite gives `-wal` and `-shm` the same mode.

    Raises:
        DamagedError: the file is damaged. SpoolError: it cannot be opened, is no spool, or is of a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        # Not where it exists: closing any descriptor of it would end this process's locks on it
        # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(f"{path}: {error}; give the sensor a folder that it may write") from error
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        # One commit of an alert writes about eight pages, and a checkpoint waits for the disk: rarer than one in a
        # hundred commits.
        connection.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL_BYTES // PAGE_BYTES}")
        _migrate(connection)
        _sync_folder(path)
    except (sqlite3.OperationalError, OSError) as error:
        connection.close()
        raise SpoolError(f"{path}: {error}; is the disk full, or the folder read-only?") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DamagedError(f"{path}: {error}") from error
    except SpoolError:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, for another user than the writer's.

    A WAL database needs its `-shm` file, which only a writer can make; where a writer closed the spool in good order
    there is none, and then nobody writes either, so that the file can be read as one that does not change.

    Raises:
        SpoolError: there is none yet, it is no spool, or it is of another version.
    """
    resting = not path.with_name(path.name + "-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if resting else ''}"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise SpoolError(f"{path}: {error}; does the sensor run, and may this user read the file?") from error
    try:
        _check(connection, path)
        version = _version(connection)
    except (sqlite3.Error, SpoolError) as error:
        connection.close()
        raise error if isinstance(error, SpoolError) else SpoolError(f"{path}: {error}") from error
    if version != VERSION:
        connection.close()
        raise SpoolError(f"{path}: version {version} of the spool, this program reads {VERSION}; start the sensor once")
    return connection


def _sync_folder(path: Path) -> None:
    """Make it durable that the log was made, and that the rollback journal of a new file was removed.

    Otherwise a power cut can bring that journal back, and SQLite would roll the new file back to nothing (found by the
    test of power cuts).
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or tables):
        raise SpoolError(f"{path}: a database, but no spool; name another file")
    if _version(connection) > VERSION:
        raise SpoolError(
            f"{path}: version {_version(connection)} of the spool, this program knows {VERSION}; "
            "run the program that wrote it, or move the file away to begin a new one"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    for version in range(_version(connection), VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[version]} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {version + 1}; COMMIT;"
        )
