"""The demonstration: what it plays, and that nothing of it stays, whenever it ends."""

import contextlib
import os
import pathlib

import pytest

from runtime_monitor.selftest import behaviour, container, demonstration
from tests import waiting
from tests.kernel import able

pytestmark = pytest.mark.kernel
MARK = "PODSEAL_TEST_DEMONSTRATION"
PATIENCE = 300.0


def marked(folder: pathlib.Path) -> list[int]:
    """The processes that have inherited the mark: the player, the shim of its container, and who they have forked."""
    wanted, found = f"{MARK}={folder}".encode(), []
    for each in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in each.read_bytes().split(b"\0"):
                found.append(int(each.parent.name))
    return found


@pytest.fixture
def shown(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> demonstration.Demonstration:
    """One whose processes are known by a mark."""
    able.to_make_containers()
    monkeypatch.setenv(MARK, str(tmp_path))
    return demonstration.Demonstration()


def test_all_of_it_is_played(shown: demonstration.Demonstration, capfd: pytest.CaptureFixture[str]) -> None:
    """And it says how many were, and where."""
    said = []

    def told() -> bool:
        said.append(capfd.readouterr().err)
        return f"were played in {container.NAMESPACE}/{container.POD}" in "".join(said)

    shown.begin()
    waiting.until(told, "the end of the play", PATIENCE)
    shown.end()
    assert "".join(said).count("were played") == 1
    assert "could not be played" not in "".join(said)


def test_it_ends_before_its_time(shown: demonstration.Demonstration, tmp_path: pathlib.Path) -> None:
    """Its container goes with it."""
    shown.begin()
    waiting.until(lambda: len(marked(tmp_path)) > 1, "its container", PATIENCE)
    shown.end()
    waiting.until(lambda: set(marked(tmp_path)) <= {os.getpid()}, "everything of it to be gone", PATIENCE)


def test_one_that_never_began_leaves_nothing(shown: demonstration.Demonstration) -> None:
    """The monitor may have failed to start."""
    shown.end()


def test_the_crowded_ones_are_few() -> None:
    """The rest is what a person can look through."""
    crowded = [each.name for each in behaviour.discover() if each.crowded]
    assert crowded == ["path-changed-during-the-call", "deep-path", "endless-path"]
