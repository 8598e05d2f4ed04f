"""How far each output has come."""

import pathlib
import sqlite3

import pytest

from runtime_monitor.feed.cursors import Cursor, Cursors, CursorsError


def test_a_position_outlives_the_process(tmp_path: pathlib.Path) -> None:
    """With what was held back; one for each output."""
    path = tmp_path / "feed" / "cursors.db"
    cursors = Cursors(path)
    assert cursors.get("siem") is None
    cursors.save("siem", Cursor("spool-a", 7, {"rule": 2}))
    cursors.save("siem", Cursor("spool-a", 9, {"rule": 3}))
    cursors.save("slack", Cursor("spool-a", 1, {}))
    cursors.close()
    again = Cursors(path)
    assert again.get("siem") == Cursor("spool-a", 9, {"rule": 3})
    assert again.get("slack") == Cursor("spool-a", 1, {})
    again.close()


def test_nobody_else_reads_it(tmp_path: pathlib.Path) -> None:
    """The feed's own file."""
    Cursors(tmp_path / "cursors.db").close()
    assert (tmp_path / "cursors.db").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_moved_aside(tmp_path: pathlib.Path) -> None:
    """Then alerts are repeated, and none is lost."""
    path = tmp_path / "cursors.db"
    path.write_bytes(b"\xa5" * 5000)
    cursors = Cursors(path)
    assert cursors.get("siem") is None
    cursors.close()
    assert path.with_name("cursors.db.damaged").exists()


def test_a_newer_version_and_a_folder_in_the_way_are_refused(tmp_path: pathlib.Path) -> None:
    """With the remedy."""
    connection = sqlite3.connect(tmp_path / "newer.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CursorsError, match="version 99, this program knows 1; run the one that wrote it"):
        Cursors(tmp_path / "newer.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(CursorsError, match="give the feed a folder that it may write"):
        Cursors(tmp_path / "folder.db")
