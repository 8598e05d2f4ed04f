"""The group of sub-commands: found by presence, imported on demand."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from webhook import cli


def test_help_lists_every_command() -> None:
    """Each with its first sentence."""
    shown = CliRunner().invoke(cli.main, ["--help"]).output
    for line in ("check", "completion", "explain"):
        assert f"\n  {line}" in shown


def test_an_unknown_command_is_refused() -> None:
    """Exit 2."""
    assert CliRunner().invoke(cli.main, ["chek"]).exit_code == 2


@pytest.mark.parametrize(
    "module", ["flask", "gunicorn", "kubernetes", "cryptography", "prometheus_client", "jsonpatch"]
)
def test_check_does_not_import_what_it_does_not_need(module: str) -> None:
    """Start-up counts in a pre-commit hook."""
    program = (
        "import sys; from webhook import cli; cli.main(['check', '-'], standalone_mode=False); "
        f"sys.exit({module!r} in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], input=b"", check=True)
