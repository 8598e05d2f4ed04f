"""`podseal-monitor completion`: scripts that shells accept, and what they complete."""

import shutil
import subprocess

import pytest
from click.testing import CliRunner

from runtime_monitor import cli
from runtime_monitor.commands import completion


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_shell_has_its_script(shell: str) -> None:
    """It names the program and the variable by which the shell asks."""
    shown = CliRunner().invoke(cli.main, ["completion", shell])
    assert shown.exit_code == 0
    assert completion.VARIABLE in shown.output
    assert completion.PROGRAM in shown.output


def test_bash_reads_its_script() -> None:
    """Without complaint."""
    bash = shutil.which("bash")
    assert bash
    script = CliRunner().invoke(cli.main, ["completion", "bash"]).output
    assert subprocess.run([bash, "-n"], input=script.encode(), check=True, capture_output=True).stderr == b""


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("podseal-monitor rep", "replay"),
        ("podseal-monitor rules ch", "check"),
        ("podseal-monitor run --output js", "json"),
        ("podseal-monitor completion fi", "fish"),
    ],
)
def test_words_are_completed(line: str, word: str) -> None:
    """As the script asks for them."""
    words = line.split()
    asked = {completion.VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    shown = CliRunner().invoke(cli.main, [], prog_name=completion.PROGRAM, env=asked)
    assert word in [each.partition(",")[2] for each in shown.output.splitlines()]
