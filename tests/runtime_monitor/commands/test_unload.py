"""`podseal-monitor unload`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runtime_monitor.commands import unload
from runtime_monitor.kernel.pins import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pins would be."""
    return tmp_path / "podseal"


def _unload(folder: Path) -> Result:
    return CliRunner().invoke(unload.command, [f"--bpffs={folder.parent}"])


def test_everything_is_removed_and_counted(folder: Path) -> None:
    """Programs of every object, and the folder."""
    for name in ("open-1/programs/follow_open", "process-2/programs/process_exec", "maps-3/ring"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    outcome = _unload(folder)
    assert (outcome.exit_code, outcome.output) == (0, f"2 programs removed from {folder}\n")
    assert not folder.exists()


def test_where_nothing_is_pinned_it_says_so(folder: Path) -> None:
    """Twice is no mistake."""
    assert _unload(folder).output == "nothing is pinned on this node\n"
    assert not folder.exists()


def test_a_monitor_that_runs_is_left_alone(folder: Path) -> None:
    """It is to be stopped first."""
    running = Store(folder)
    running.lock()
    outcome = _unload(folder)
    running.close()
    assert outcome.exit_code == 1
    assert "another monitor watches this node" in outcome.output
    assert folder.exists()
