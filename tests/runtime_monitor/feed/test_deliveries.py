"""The set of deliveries: what a change opens, keeps and ends."""

import pathlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from runtime_monitor.feed.cursors import Cursors
from runtime_monitor.feed.deliveries import Deliveries
from runtime_monitor.feed.delivery import Context
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.outputs import file
from runtime_monitor.feed.watch import Watch


@pytest.fixture
def context(tmp_path: pathlib.Path) -> Iterator[Context]:
    """Of a spool that is not there."""
    spool = tmp_path / "spool.db"
    watch = Watch(spool)
    watch.start()
    cursors = Cursors(tmp_path / "cursors.db")
    yield Context(spool, cursors, watch, Metrics())
    watch.stop()
    cursors.close()


def settings(folder: pathlib.Path, name: str, **more: Any) -> file.Settings:  # noqa: ANN401 -- an output's settings
    """Of an output to a file."""
    return msgspec.convert({"name": name, "path": str(folder / name), **more}, file.Settings)


def test_what_stays_is_not_touched(tmp_path: pathlib.Path, context: Context) -> None:
    """The same delivery goes on; one that changes is another one; one that is not wanted has ended."""
    stays, changes, goes = (settings(tmp_path, name) for name in ("stays", "changes", "goes"))
    made = Deliveries([stays, changes, goes], context)
    made.start()
    before = {each.name: each for each in made}
    changed = msgspec.structs.replace(changes, start="newest")
    assert made.use([stays, changed, settings(tmp_path, "comes")]) == (2, 1)
    after = {each.name: each for each in made}
    assert list(after) == ["stays", "changes", "comes"]
    assert after["stays"] is before["stays"]
    assert after["changes"] is not before["changes"]
    made.end()


def test_what_cannot_be_opened_changes_nothing(tmp_path: pathlib.Path, context: Context) -> None:
    """Not the others of the same change either."""

    class Refusing(file.Settings, frozen=True, tag="refusing"):
        def open(self) -> file.File:
            raise OSError("no such certificate")

    made = Deliveries([settings(tmp_path, "own")], context)
    made.start()
    before = list(made)
    with pytest.raises(OSError, match="no such certificate"):
        made.use([settings(tmp_path, "other"), Refusing(name="bad", path="x")])
    assert list(made) == before
    made.end()
