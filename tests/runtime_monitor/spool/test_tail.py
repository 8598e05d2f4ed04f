"""The end of the write-ahead log."""

import pathlib

from runtime_monitor.spool import schema, tail


def test_commits_are_counted_by_their_last_frame(tmp_path: pathlib.Path) -> None:
    """As SQLite itself counts them, also after the log began anew over older frames."""
    path = tmp_path / "spool.db"
    assert tail.committed_frames(path) == 0
    connection = schema.open_to_write(path, "normal")
    for number in range(3):
        for _ in range(number + 4):
            connection.execute("INSERT INTO status VALUES (hex(randomblob(8)), zeroblob(9000))")
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert tail.committed_frames(path) == frames
    connection.close()


def test_a_file_that_is_no_log_holds_nothing(tmp_path: pathlib.Path) -> None:
    """Too short, or without SQLite's number in front."""
    for content in (b"", b"short", b"\0" * 100):
        (tmp_path / "spool.db-wal").write_bytes(content)
        assert tail.committed_frames(tmp_path / "spool.db") == 0
