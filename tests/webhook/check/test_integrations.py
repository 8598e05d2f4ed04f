"""action.yml and .pre-commit-hooks.yaml: what other repositories call in one line."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from webhook import cli

ROOT = Path(__file__).parents[3]
CHARTS = ROOT / "tests" / "data" / "charts"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, CHECK = ACTION["runs"]["steps"]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with `podseal`, as the installing step puts one on PATH."""
    script = tmp_path / "bin" / "podseal"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nfrom webhook.cli import main\nmain(prog_name='podseal')\n")
    script.chmod(0o755)
    return script.parent


def _step(programs: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the checking step as a runner would: bash, inputs as variables."""
    given = {name: str(each["default"]) for name, each in ACTION["inputs"].items()} | inputs
    variables = {
        name: given[found[1]]
        for name, text in CHECK["env"].items()
        if (found := re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", text))
    }
    assert variables.keys() == CHECK["env"].keys()
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", CHECK["run"]],
        env=os.environ | variables | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        cwd=CHARTS,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_annotates_and_fails(programs: Path) -> None:
    """Text for the log, annotations for the diff."""
    done = _step(programs, paths="sealed.yaml\n\nwindows.yaml\n")
    assert done.returncode == 1, done.stderr
    assert "\n::error file=windows.yaml,line=" in done.stdout


def test_the_action_passes_its_inputs_on(programs: Path, tmp_path: Path) -> None:
    """Each of them; a clean run succeeds."""
    report = tmp_path / "out.sarif"
    inputs = {"fail-on": "never", "sarif-file": str(report), "profile": "strict"}
    done = _step(programs, paths="windows.yaml", **inputs)
    assert done.returncode == 0, done.stderr
    assert report.exists()


@pytest.mark.parametrize("name", ["$(touch pwned)", "--help", "a b.yaml", "*.yaml"])
def test_an_input_is_never_a_command_or_an_option(programs: Path, name: str) -> None:
    """It names a file that is not there."""
    done = _step(programs, paths=name)
    assert done.returncode == 2
    assert f"{name}\n" in done.stdout
    assert "No such file" in done.stdout


def test_no_path_is_no_success(programs: Path) -> None:
    """An empty input would otherwise read an empty standard input, and pass."""
    done = _step(programs, paths="\n")
    assert done.returncode == 2
    assert "name files or folders" in done.stderr


def test_the_scripts_hold_no_expression() -> None:
    """An expression inside a script is how values become commands."""
    assert not [step["name"] for step in (INSTALL, CHECK) if "${{" in step["run"]]


def test_the_hook_calls_what_exists() -> None:
    """The entry with a file appended, as pre-commit does it, and the files it is called for."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = hook["entry"].split()
    assert program == "podseal"
    done = CliRunner().invoke(cli.main, [*arguments, str(CHARTS / "sealed.yaml")])
    assert done.exit_code == 0, done.output
    assert all(re.search(hook["files"], name) for name in ("a.yaml", "b/c.yml", "d.json"))
    assert not re.search(hook["files"], "README.md")
