"""What can be read of a damaged spool."""

import pathlib
import random

import pytest

from runtime_monitor.spool import salvage, schema
from runtime_monitor.spool.reader import Reader
from runtime_monitor.spool.writer import Writer
from tests.runtime_monitor import generated

ALERTS = 150


@pytest.fixture
def spool(tmp_path: pathlib.Path) -> pathlib.Path:
    """A spool that was closed in good order."""
    writer = Writer(tmp_path / "spool.db")
    writer.report("sensor", {"tier": "x"})
    writer.append(generated.stream(ALERTS))
    writer.close()
    return tmp_path / "spool.db"


def test_an_intact_file_comes_over_whole(spool: pathlib.Path) -> None:
    """Every row, the identity and the status."""
    before = Reader(spool)
    entries, identity, last = before.after(0, 1000), before.identity(), before.last()
    before.close()
    found = salvage.salvage(spool, "normal")
    assert (found.read, found.unreadable, found.kept_as.name) == (ALERTS, 0, "spool.db.damaged-1")
    after = Reader(spool)
    assert after.after(0, 1000) == entries
    assert (after.identity(), after.last(), after.status()) == (identity, last, {"sensor": {"tier": "x"}})


@pytest.mark.parametrize("seed", range(12))
def test_a_page_of_rubbish_costs_its_own_rows(spool: pathlib.Path, seed: int) -> None:
    """Whichever page it is, but the first, without which SQLite knows no table: then a new, empty spool begins."""
    source = random.Random(seed)  # noqa: S311 -- data, not secrets
    pages = spool.stat().st_size // 4096
    page = source.randrange(pages)
    with spool.open("r+b") as file:
        file.seek(page * 4096)
        file.write(source.randbytes(4096))
    found = salvage.salvage(spool, "normal")
    entries = Reader(spool).after(0, 1000)
    assert len(entries) == found.read
    wanted = {alert.id: alert for alert in generated.stream(ALERTS)}
    assert all(entry.alert() == wanted[entry.alert().id] for entry in entries)
    if page:
        assert found.read >= ALERTS // 3


def test_the_damage_is_found(spool: pathlib.Path) -> None:
    """SQLite's own check; the connection is closed with it."""
    connection = schema.open_to_write(spool, "normal")
    salvage.require_intact(connection, spool)
    connection.close()
    with spool.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xa5" * 4096)
    connection = schema.open_to_write(spool, "normal")
    with pytest.raises(schema.DamagedError, match=r"spool\.db: "):
        salvage.require_intact(connection, spool)
