"""New bundles as containerd writes them, and what else can appear in their place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_monitor.enrich import arrivals
from tests import waiting

ID = "ab" * 32


@pytest.fixture
def source(tmp_path: Path) -> Iterator[arrivals.Arrivals]:
    """The bundles of a folder."""
    found = arrivals.Arrivals([tmp_path, tmp_path / "not there"])
    found.start()
    yield found
    found.stop()


def taken(source: arrivals.Arrivals, count: int) -> list[tuple[str, int]]:
    """The next arrivals."""
    found: list[tuple[str, int]] = []

    def enough() -> bool:
        found.extend(source.take())
        return len(found) >= count

    waiting.until(enough, f"{count} arrivals")
    return found


def make(place: Path, name: str, pid: str, *, renamed: bool = False) -> None:
    """A bundle with the pid of its first process, written at once or aside."""
    folder = place / name
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    written = folder / (".init.pid" if renamed else "init.pid")
    written.write_text(pid)
    if renamed:
        written.rename(folder / "init.pid")


def test_a_bundle_arrives_with_its_first_process(source: arrivals.Arrivals, tmp_path: Path) -> None:
    """As containerd does it: written aside, then renamed."""
    make(tmp_path, ID, "4711", renamed=True)
    assert set(taken(source, 1)) == {(ID, 4711)}


def test_a_folder_that_is_no_bundle_is_passed_over(source: arrivals.Arrivals, tmp_path: Path) -> None:
    """Another name, a pid that is none."""
    make(tmp_path, "lost+found", "1")
    make(tmp_path, "cd" * 32, "no number")
    make(tmp_path, ID, "4711", renamed=True)
    assert set(taken(source, 1)) == {(ID, 4711)}


def test_many_bundles_come_and_go(source: arrivals.Arrivals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of them is bounded, and the place itself is never forgotten."""
    monkeypatch.setattr(arrivals, "MOST_WATCHED", 3)
    for number in range(20):
        make(tmp_path, f"{number:064x}", str(number + 1), renamed=True)
        assert (f"{number:064x}", number + 1) in taken(source, 1)
    assert len(source._folders) <= 3 + 2
