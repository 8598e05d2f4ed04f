"""`podseal-monitor prepare`: who may write where."""

import os
import stat
from pathlib import Path

from click.testing import CliRunner

from runtime_monitor.commands import prepare


def test_the_group_reads_the_spool_and_keeps_its_state(tmp_path: Path) -> None:
    """A folder that the kubelet has made is changed, too; nobody else gets in. Twice is no mistake."""
    spool, state = tmp_path / "podseal", tmp_path / "podseal" / "feed"
    spool.mkdir(mode=0o755)
    for _ in range(2):
        outcome = CliRunner().invoke(prepare.command, [f"--spool={spool}/spool.db", f"--state={state}"])
        assert outcome.exit_code == 0, outcome.output
    assert [stat.S_IMODE(each.stat().st_mode) for each in (spool, state)] == [0o750, 0o770]
    assert {each.stat().st_gid for each in (spool, state)} == {os.getegid()}


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "feed").touch()
    outcome = CliRunner().invoke(prepare.command, [f"--spool={tmp_path}/spool.db", f"--state={tmp_path}/feed"])
    assert outcome.exit_code == 1
    assert f"{tmp_path}/feed: File exists" in outcome.output
