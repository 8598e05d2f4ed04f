"""`podseal-monitor feed`: what it says when it cannot run. How it runs: tests/runtime_monitor/feed."""

import pathlib

import pytest
from click.testing import CliRunner

from runtime_monitor.commands.feed import command

MISTAKES = {
    "a configuration that is not there": (["--config", "none.yaml"], "none.yaml: No such file"),
    "an address for everybody": (["--bind", "0.0.0.0:9480"], "served to nobody unauthenticated"),
    "no address": (["--bind", "nonsense"], "listen.address nonsense"),
    "a folder that cannot be written": (["--state", "/proc/none", "--bind", "127.0.0.1:0"], "give the feed a folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path: pathlib.Path, name: str) -> None:
    """Place, cause and remedy."""
    arguments, told = MISTAKES[name]
    base = [] if "--state" in arguments else ["--state", str(tmp_path / "state")]
    outcome = CliRunner().invoke(command, [*base, "--spool", str(tmp_path / "spool.db"), *arguments])
    assert outcome.exit_code == 2
    assert told in outcome.output
    assert outcome.output.startswith("podseal-monitor feed: ")
