"""`podseal completion`: scripts that shells accept, and what they complete."""

import shutil
import subprocess

import pytest
from click.testing import CliRunner

from webhook import cli

WORDS = {
    "sub-commands": ("podseal ex", "explain"),
    "formats": ("podseal check -o sa", "sarif"),
    "controls": ("podseal explain priv", "privileged"),
    "profiles": ("podseal check --profile str", "strict"),
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    """It names the program and the variable by which the shell asks."""
    shown = CliRunner().invoke(cli.main, ["completion", shell])
    assert shown.exit_code == 0
    assert "_PODSEAL_COMPLETE" in shown.output
    assert "podseal" in shown.output


def test_bash_reads_its_script() -> None:
    """Without complaint."""
    bash = shutil.which("bash")
    assert bash
    script = CliRunner().invoke(cli.main, ["completion", "bash"]).output
    assert subprocess.run([bash, "-n"], input=script.encode(), check=True, capture_output=True).stderr == b""


@pytest.mark.parametrize(("line", "word"), WORDS.values(), ids=WORDS.keys())
def test_words_are_completed(line: str, word: str) -> None:
    """As the script asks for them."""
    words = line.split()
    environment = {
        "_PODSEAL_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    shown = CliRunner().invoke(cli.main, [], prog_name="podseal", env=environment)
    assert word in [each.partition(",")[2] for each in shown.output.splitlines()]


def test_an_unknown_shell_is_refused() -> None:
    """Naming those there are."""
    refused = CliRunner().invoke(cli.main, ["completion", "tcsh"])
    assert refused.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in refused.output
