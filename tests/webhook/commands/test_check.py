"""`podseal check` as a process: exit codes, streams, files, variables, a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.webhook.check import inputs

SEALED = Path(__file__).parents[2] / "data" / "charts" / "sealed.yaml"
NO_SILENCE = "progress.SILENT_SECONDS = progress.SECONDS_BETWEEN = {seconds}; main(prog_name='podseal')"
IMPORTS = "from webhook.check import progress; from webhook.cli import main; "
IMPATIENT = [sys.executable, "-c", IMPORTS + NO_SILENCE.format(seconds=0)]
PATIENT = [sys.executable, "-c", IMPORTS + NO_SILENCE.format(seconds=3600)]
PROGRAM = [sys.executable, "-c", "from webhook.cli import main; main(prog_name='podseal')"]
Run = Callable[..., subprocess.CompletedProcess[str]]


def _environment(folder: Path, **more: str) -> dict[str, str]:
    """Ours, without what would change reports; bytecode is shared, since every test starts the program."""
    dropped = ("GITHUB_ACTIONS", "CI", "NO_COLOR", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if key not in dropped and not key.startswith("PODSEAL_")}
    ours = {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode")}
    return kept | ours | more


@pytest.fixture
def check(tmp_path: Path) -> Run:
    """Run `podseal check` in a folder with a bad pod, a clean one and a broken file."""
    (tmp_path / "bad.yaml").write_bytes(inputs.POD)
    (tmp_path / "clean.yaml").write_bytes(SEALED.read_bytes())
    (tmp_path / "broken.yaml").write_bytes(b"a: [\n")

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*PROGRAM, "check", *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=_environment(tmp_path, **environment),
            check=False,
        )
        assert b"Traceback" not in done.stderr
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


EXITS: dict[str, tuple[list[str], int]] = {
    "clean": (["clean.yaml"], 0),
    "findings": (["bad.yaml"], 1),
    "findings that need not count": (["bad.yaml", "--fail-on", "never"], 0),
    "warnings alone": (["bad.yaml", "--profile", "off"], 0),
    "warnings that count": (["bad.yaml", "--profile", "off", "--fail-on", "warn"], 1),
    "audit alone": (
        ["bad.yaml", "--profile", "off", "--namespace-labels", "podseal.dev/warn=off", "--fail-on", "warn"],
        0,
    ),
    "audit that counts": (
        ["bad.yaml", "--profile", "off", "--namespace-labels", "podseal.dev/warn=off", "--fail-on", "audit"],
        1,
    ),
    "a label": (["bad.yaml", "--namespace-labels", "podseal.dev/enforce=off"], 0),
    "unreadable": (["clean.yaml", "broken.yaml"], 2),
    "unreadable beside findings": (["."], 2),
    "unreadable, whatever the threshold": (["broken.yaml", "--fail-on", "never"], 2),
    "missing": (["no-such.yaml"], 2),
    "an unknown option": (["--colour"], 2),
    "an unknown format": (["clean.yaml", "-o", "xml"], 2),
    "an unknown profile": (["clean.yaml", "--profile", "paranoid"], 2),
    "a malformed label": (["clean.yaml", "--namespace-labels", "enforce"], 2),
    "a baseline that is none": (["clean.yaml", "--baseline", "clean.yaml"], 2),
    "a baseline that is missing": (["clean.yaml", "--baseline", "no-such.json"], 2),
    "a report that cannot be written": (["clean.yaml", "-o", "json=no/such/folder.json"], 2),
    "a policy that is none": (["clean.yaml", "--policy", "broken.yaml"], 2),
    "a policy that is missing": (["clean.yaml", "--policy", "no-such.yaml"], 2),
}


@pytest.mark.parametrize(("arguments", "code"), EXITS.values(), ids=EXITS.keys())
def test_exit_codes(check: Run, arguments: list[str], code: int) -> None:
    """0 clean, 1 findings at or above the threshold, 2 wrong usage or unreadable input."""
    done = check(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert bool(done.stdout or done.stderr)


def test_standard_input_is_read_for_a_dash_and_for_nothing(check: Run) -> None:
    """Its name in reports can be chosen."""
    for arguments in (["-"], []):
        done = check(*arguments, "-o", "json", "--stdin-filename", "chart.yaml", stdin=inputs.POD)
        assert done.returncode == 1
        assert {row["file"] for row in json.loads(done.stdout)["findings"]} == {"chart.yaml"}


def test_several_reports_at_once(check: Run, tmp_path: Path) -> None:
    """One on standard output, others in files; -f means the same."""
    done = check("bad.yaml", "-o", "text", "-o", "sarif=a.sarif", "-f", "junit=b.xml")
    assert done.stdout.startswith("bad.yaml\n")
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "b.xml").read_text().startswith("<?xml")


def test_unreadable_input_is_told_on_standard_error_too(check: Run) -> None:
    """Where the report is for a machine."""
    done = check("broken.yaml", "-o", "json")
    assert json.loads(done.stdout)["errors"][0]["line"] == 2
    assert done.stderr.startswith("podseal check: broken.yaml:2: not valid YAML")


def test_a_baseline_lets_pass_what_it_knows(check: Run, tmp_path: Path) -> None:
    """Written with exit 0; then a known finding passes, a new one fails, and a stale one is named."""
    assert check("bad.yaml", "--write-baseline", "known.json").returncode == 0
    passed = check("bad.yaml", "--baseline", "known.json")
    assert passed.returncode == 0
    assert "in the baseline" in passed.stdout
    (tmp_path / "bad.yaml").write_bytes(
        b"# moved by a line\n" + inputs.POD.replace(b"privileged: true", b"runAsUser: 0")
    )
    failed = check("bad.yaml", "--baseline", "known.json")
    assert failed.returncode == 1
    assert re.search(r"deny +run-as-root", failed.stdout)
    assert "baseline: privileged in Pod/shop/web, container web is no longer found" in failed.stdout


def test_a_policy_is_found_upward_and_by_option_and_by_variable(check: Run, tmp_path: Path) -> None:
    """The option wins over the variable, both over the file that lies around."""
    head = "apiVersion: config.podseal.dev/v1alpha1\nkind: Policy\ndefaults:\n  enforce: "
    (tmp_path / "podseal.yaml").write_text(f"{head}off\n")
    (tmp_path / "strict.yml").write_text(f"{head}strict\n")
    assert check("bad.yaml").returncode == 0
    assert check("bad.yaml", PODSEAL_CHECK_POLICY="strict.yml").returncode == 1
    assert check("bad.yaml", "--policy", "podseal.yaml", PODSEAL_CHECK_POLICY="strict.yml").returncode == 0


def test_an_option_has_its_variable(check: Run) -> None:
    """As --help says."""
    assert check("bad.yaml", PODSEAL_CHECK_FAIL_ON="never").returncode == 0
    assert check("bad.yaml", PODSEAL_CHECK_OUTPUTS="json").stdout.startswith("{")


def test_on_github_the_report_is_annotated(check: Run) -> None:
    """Beside the text; not where a format was asked for."""
    shown = check("bad.yaml", GITHUB_ACTIONS="true").stdout
    assert "\n::error file=bad.yaml,line=11,col=9,title=podseal privileged::" in shown
    assert shown.startswith("bad.yaml\n")
    assert "::error" not in check("bad.yaml", "-o", "text", GITHUB_ACTIONS="true").stdout


def test_mutated_pods_are_shown(check: Run) -> None:
    """As a diff below the object."""
    shown = check("bad.yaml", "--show-mutated", "--namespace-labels", "podseal.dev/mutate=all").stdout
    assert "\n      +      readOnlyRootFilesystem: true\n" in shown


def test_colour_can_be_forced_and_forbidden(check: Run) -> None:
    """By variables and by options; standard output is no terminal here."""
    assert "\x1b[" not in check("bad.yaml").stdout
    assert "\x1b[31m" in check("bad.yaml", "--color").stdout
    assert "\x1b[31m" in check("bad.yaml", FORCE_COLOR="1").stdout
    assert "\x1b[" not in check("bad.yaml", "--no-color", FORCE_COLOR="1").stdout


def _on_terminal(folder: Path, *arguments: str, program: list[str] = PROGRAM, **environment: str) -> bytes:
    """What the program writes to a terminal on all its streams."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*program, "check", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env=_environment(folder, TERM="xterm", **environment),
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # Linux answers EIO once the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        process.wait(60)
    os.close(leader)
    return shown


def test_a_terminal_gets_colour(check: Run, tmp_path: Path) -> None:
    """Unless NO_COLOR is set."""
    del check
    assert b"\x1b[31m" in _on_terminal(tmp_path, "bad.yaml")
    assert b"\x1b[" not in _on_terminal(tmp_path, "bad.yaml", NO_COLOR="1")


def test_nothing_to_check_on_a_terminal_is_wrong_usage(tmp_path: Path) -> None:
    """It must not wait for somebody to type a manifest."""
    assert b"nothing to check: name files or folders" in _on_terminal(tmp_path)


def test_a_run_on_a_terminal_shows_progress(tmp_path: Path) -> None:
    """Without the silence of a run's first moments, which this one would not outlast; -q shows none."""
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_bytes(inputs.POD)
    assert b"] 3/3 files" in _on_terminal(tmp_path, ".", "-o", "json=out.json", program=IMPATIENT)
    assert b"/3 files" not in _on_terminal(tmp_path, ".", "-o", "json=out.json", "-q", program=IMPATIENT)
    assert b"/3 files" not in _on_terminal(tmp_path, ".", "-o", "json=out.json", program=PATIENT)
