"""The spool's file: versions, foreign files, rights."""

import os
import pathlib
import sqlite3
import subprocess
import sys

import pytest

from runtime_monitor.spool import schema
from runtime_monitor.spool.writer import Writer
from tests.runtime_monitor import generated

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_a_new_file_has_this_version(tmp_path: pathlib.Path) -> None:
    """And its group may read it."""
    path = tmp_path / "spool.db"
    connection = schema.open_to_write(path, "normal")
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert {oct(each.stat().st_mode & 0o777) for each in tmp_path.glob("spool.db*")} == {"0o640"}
    connection.close()
    full = schema.open_to_write(path, "full")
    assert full.execute("PRAGMA synchronous").fetchone() == (2,)
    full.close()


def test_a_newer_version_is_refused_with_a_remedy(tmp_path: pathlib.Path) -> None:
    """By both ends."""
    path = tmp_path / "spool.db"
    connection = schema.open_to_write(path, "normal")
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(schema.SpoolError, match="move the file away to begin a new one"):
        schema.open_to_write(path, "normal")
    with pytest.raises(schema.SpoolError, match="move the file away to begin a new one"):
        schema.open_to_read(path)


def test_another_database_is_refused(tmp_path: pathlib.Path) -> None:
    """Nothing is written into it."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(schema.SpoolError, match="a database, but no spool; name another file"):
        schema.open_to_write(path, "normal")


def test_what_is_no_database_is_damaged(tmp_path: pathlib.Path) -> None:
    """Which the writer salvages."""
    path = tmp_path / "spool.db"
    path.write_bytes(b"\xa5" * 8192)
    with pytest.raises(schema.DamagedError):
        schema.open_to_write(path, "normal")


def test_a_spool_that_is_not_there_yet_is_told(tmp_path: pathlib.Path) -> None:
    """A feed may start before the sensor."""
    with pytest.raises(schema.SpoolError, match="does the sensor run"):
        schema.open_to_read(tmp_path / "spool.db")


READ_AS = """
import os, pathlib, sys
from runtime_monitor.spool.reader import Reader
os.setgroups([]); os.setgid(64123); os.setuid(64124)
reader = Reader(pathlib.Path(sys.argv[1]))
print(len(reader.after(0, 100)), flush=True)
sys.stdin.readline()
print(len(reader.after(0, 100)))
try:
    reader._connection.execute("DELETE FROM alert")
except Exception as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user, which takes root")
def test_another_user_of_the_group_reads_and_cannot_write(tmp_path: pathlib.Path) -> None:
    """The feed's rights: its group may read the folder's files. It sees what is written while it runs."""
    folder = tmp_path / "spool"
    folder.mkdir()
    os.chown(folder, 0, 64123)
    folder.chmod(0o2750)
    for parent in (tmp_path, *tmp_path.parents[:-1]):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    writer = Writer(folder / "spool.db")
    writer.append(generated.stream(5))
    command = [sys.executable, "-c", READ_AS, str(folder / "spool.db")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as reading:
        assert reading.stdout
        assert reading.stdout.readline() == "5\n"
        writer.append(generated.stream(7, start=5))
        output, _ = reading.communicate("go on\n")
    assert output == "12\nattempt to write a readonly database\n"
    writer.close()
