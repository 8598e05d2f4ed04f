"""The command `selftest`: its rows, its exit codes, and what it lists."""

import json
import os

import pytest
from click.testing import CliRunner

from runtime_monitor.commands import selftest
from tests.kernel import able


def _invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(selftest.command, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_list_has_a_line_a_behaviour() -> None:
    """Its name and what it is."""
    code, stdout, _ = _invoke("--list", "--only", "mkdir")
    assert (code, stdout.split()) == (0, ["mkdir", "A", "new", "directory."])


def test_an_unknown_name_is_wrong_usage() -> None:
    """With where to find the right one."""
    code, _, stderr = _invoke("--only", "no-such")
    assert code == 2
    assert "there is no behaviour 'no-such'; --list shows them" in stderr


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 2."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, _, stderr = _invoke("--only", "mkdir")
    assert code == 2
    assert "root" in stderr


@pytest.mark.kernel
def test_rows_as_json() -> None:
    """Behaviour, tier, seen, latency; everything else goes to standard error."""
    able.to_load_programs()
    code, stdout, stderr = _invoke("--only", "create", "-o", "json")
    (row,) = json.loads(stdout)
    assert (code, row["behaviour"], row["seen"], row["detail"]) == (0, "create", True, "")
    assert row["latency_ms"] > 0
    assert stderr.startswith(f"sensor: tier {row['tier']}")


@pytest.mark.kernel
def test_a_table_as_text() -> None:
    """A heading, a line a behaviour, a sum."""
    able.to_load_programs()
    code, stdout, _ = _invoke("--only", "create")
    heading, line, total = stdout.splitlines()
    assert heading.split() == ["BEHAVIOUR", "TIER", "SEEN", "LATENCY"]
    assert line.split()[0::2][:2] == ["create", "seen"]
    assert (code, total) == (0, "1 behaviours: 1 seen, 0 missed, 0 not here")
