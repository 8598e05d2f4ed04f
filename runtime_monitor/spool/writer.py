"""The sensor's end of the spool: alerts in, an acknowledgement once they are durable.

In: lists of Alerts, the sensor's status. Out: rows of the spool, `True` once everything handed over is committed.
Called by the sensor's pipeline; one writer a file, held by a lock.

One call is one transaction, so whoever hands over what piled up meanwhile commits in groups. What cannot be written
(full disk) waits in memory, bounded, and is tried again at the next call. An alert's id is its key: one that is there
already is not written again.
"""

import fcntl
import json
import logging
import os
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from runtime_monitor import alerts
from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.spool import salvage, schema, tail

ROW_BYTES: Final = 500
"""What a row costs beside its body: columns, three indices, the free part of pages (measured; see test_writer)."""
INSERT: Final = (
    "INSERT OR IGNORE INTO alert (seq, id, time, priority, rule, namespace, pod, user, session, size, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
log = logging.getLogger("podseal.spool")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`sync: normal` outlives a killed process, `full` a power cut as well. Sizes are bytes, of disk and of memory."""

    sync: schema.Sync = "normal"
    max_bytes: int = 256 * 1024 * 1024
    pending_bytes: int = 16 * 1024 * 1024


@dataclass
class Counts:
    """What happened since the writer started. `evicted` gave way on disk, `dropped` in memory, each by priority."""

    written: int = 0
    repeated: int = 0
    salvaged: int = 0
    unreadable: int = 0
    failures: int = 0
    evicted: Counter[Priority] = field(default_factory=Counter)
    dropped: Counter[Priority] = field(default_factory=Counter)


@dataclass(frozen=True)
class Row:
    """An alert as its columns. `size` is what it counts for against the bound."""

    alert: Alert
    body: bytes

    @property
    def size(self) -> int:
        """Bytes on disk, about."""
        return len(self.body) + ROW_BYTES

    def values(self, seq: int) -> tuple[object, ...]:
        """The parameters of INSERT."""
        alert, text = self.alert, _text
        fields = alert.output_fields
        return (
            seq,
            text(alert.id),
            alert.time,
            int(alert.priority),
            text(alert.rule),
            text(fields.get("k8s.ns.name")),
            text(fields.get("k8s.pod.name")),
            text(fields.get("exec.user") or fields.get("user.name")),
            text(fields.get("exec.session")),
            self.size,
            self.body,
        )


class Writer:
    """The one writer of a spool.

    Raises:
        SpoolError: the file cannot be used, or another writer has it.
    """

    def __init__(self, path: Path, settings: Settings = Settings()) -> None:  # noqa: B008 -- frozen
        self.counts = Counts()
        self._path = path
        self._settings = settings
        self._pending: list[Row] = []
        self._failing = False
        self._status: dict[str, bytes] = {}
        self._lock = _lock(path)
        try:
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, new: Iterable[Alert]) -> bool:
        """Write alerts in one transaction; whether everything handed over so far is now committed.

        After False the alerts are kept in memory and go with the next call, be it one of no alerts.
        """
        self._pending.extend(Row(alert, _encoded(alert)) for alert in new)
        if not self._pending and not self._status:
            return True
        try:
            self._commit()
        except sqlite3.OperationalError as error:
            self._failed(f"{self._path}: {error}; is the disk full? {len(self._pending)} alerts wait in memory")
            return False
        except (sqlite3.DatabaseError, schema.SpoolError) as error:
            self._failed(f"{self._path}: {error}; it is being salvaged")
            return self._recovered()
        return True

    def report(self, name: str, body: Any) -> None:  # noqa: ANN401 -- whatever JSON can say
        """Leave a word on the sensor's state for readers (tier, losses, rules); written with the next `append`."""
        self._status[name] = msgspec.json.encode(body)

    @property
    def pending(self) -> int:
        """How many alerts wait in memory."""
        return len(self._pending)

    def close(self) -> None:
        """Write what waits, and give the file free."""
        try:
            self.append(())
            self._connection.close()
        finally:
            os.close(self._lock)

    def _open(self) -> None:
        committed = tail.committed_frames(self._path)
        try:
            connection = schema.open_to_write(self._path, self._settings.sync)
            salvage.require_intact(connection, self._path)
        except schema.DamagedError as error:
            connection = self._salvaged(error)
            committed = 0
        self._connection = connection
        # Also makes the number of the new run durable: no number may be given out twice.
        _, reached, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if committed > max(reached, 0):
            log.error(
                "%s-wal: %d frames of its end are unreachable: the newest alerts of the last run may be lost",
                self._path,
                committed - max(reached, 0),
            )
        self._begin_run()

    def _salvaged(self, error: schema.DamagedError) -> sqlite3.Connection:
        try:
            found = salvage.salvage(self._path, self._settings.sync)
            self.counts.salvaged += found.read
            self.counts.unreadable += found.unreadable
            log.error(
                "%s; %d alerts saved, %d unreadable; the damaged file is kept as %s",
                error,
                found.read,
                found.unreadable,
                found.kept_as,
            )
            return schema.open_to_write(self._path, self._settings.sync)
        except (OSError, sqlite3.Error) as failure:
            raise schema.SpoolError(f"{error}; and no new one can be made: {failure}; free the disk") from failure

    def _begin_run(self) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM identity").fetchone() == (0,):
            connection.execute("INSERT INTO identity VALUES (?)", (uuid.uuid4().hex,))
        (highest,) = connection.execute(
            "SELECT max(coalesce((SELECT max(number) FROM run), 0), coalesce((SELECT max(seq) FROM alert), 0) / ?)",
            (schema.RUN,),
        ).fetchone()
        self._run = highest + 1
        self._last = self._run * schema.RUN
        connection.execute("INSERT INTO run VALUES (?, ?)", (self._run, self._last))
        (self._page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _commit(self) -> None:
        connection = self._connection
        last, rows = self._last, self._pending
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                last += connection.execute(INSERT, row.values(last + 1)).rowcount
            connection.execute("UPDATE run SET last = ? WHERE number = ?", (last, self._run))
            gone = self._evict(self._used_bytes() - self._settings.max_bytes)
            connection.executemany("INSERT OR REPLACE INTO status VALUES (?, ?)", list(self._status.items()))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        written = last - self._last
        self.counts.written += written
        self.counts.repeated += len(rows) - written
        self.counts.evicted.update(priority for _, priority in gone)
        self._last, self._pending, self._status = last, [], {}
        if self._failing:
            self._failing = False
            log.warning("%s: written again; %d alerts that had waited are in it", self._path, written)

    def _used_bytes(self) -> int:
        """The pages that hold something: where scattered rows gave way, a page counts until its last one is gone."""
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        return int(pages - free) * int(self._page_bytes)

    def _evict(self, excess: int) -> list[tuple[int, Priority]]:
        """Remove the oldest of the lowest priority, about `excess` bytes of them; (seq, priority) of each."""
        gone: list[tuple[int, Priority]] = []
        if excess <= 0:
            return gone
        for seq, priority, size in self._connection.execute(
            "SELECT seq, priority, size FROM alert INDEXED BY alert_giving_way ORDER BY priority DESC, seq"
        ):
            if excess <= 0:
                break
            gone.append((seq, Priority(priority)))
            excess -= size
        self._connection.executemany("DELETE FROM alert WHERE seq = ?", [(seq,) for seq, _ in gone])
        self._connection.executemany(
            "INSERT INTO evicted VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            list(Counter(int(priority) for _, priority in gone).items()),
        )
        return gone

    def _failed(self, message: str) -> None:
        """Keep what waits within its bound: the lowest priority gives way first, in it the oldest."""
        self.counts.failures += 1
        if not self._failing:
            # Once, not at each of fifty attempts a second.
            log.error("%s", message)
            self._failing = True
        excess = sum(row.size for row in self._pending) - self._settings.pending_bytes
        if excess <= 0:
            return
        order = sorted(range(len(self._pending)), key=lambda index: (-self._pending[index].alert.priority, index))
        dropped = set(_until_freed(order, [row.size for row in self._pending], excess))
        self.counts.dropped.update(self._pending[index].alert.priority for index in dropped)
        self._pending = [row for index, row in enumerate(self._pending) if index not in dropped]

    def _recovered(self) -> bool:
        """After the file turned out to be damaged: salvage it, and write again what waited."""
        try:
            self._connection.close()
            self._connection = self._salvaged(schema.DamagedError(f"{self._path}: damaged"))
            self._begin_run()
            self._commit()
        except (sqlite3.Error, schema.SpoolError, OSError) as error:
            self._failed(f"{self._path}: {error}; {len(self._pending)} alerts wait in memory")
            return False
        return True


def _until_freed(order: Sequence[int], sizes: Sequence[int], excess: int) -> Iterable[int]:
    for index in order:
        if excess <= 0:
            return
        yield index
        excess -= sizes[index]


def _encoded(alert: Alert) -> bytes:
    """The body of a row. A lone surrogate, which JSON in UTF-8 cannot hold, becomes a question mark."""
    try:
        return alerts.encode(alert)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(alert), ensure_ascii=False)
        return text.encode("utf-8", "replace")


def _text(value: object) -> str | None:
    """A column's value: lone surrogates, which no encoding takes, are escaped."""
    return None if value is None else str(value).encode("utf-8", "backslashreplace").decode()


def _lock(path: Path) -> int:
    """The descriptor whose lock makes this process the one writer."""
    name = path.with_name(path.name + ".lock")
    try:
        name.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise schema.SpoolError(f"{name}: {error.strerror}; give the sensor a folder that it may write") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise schema.SpoolError(f"{path}: another sensor writes this spool; stop it, or name another file") from error
    return descriptor
