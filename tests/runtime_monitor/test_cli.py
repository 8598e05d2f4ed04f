"""The command line finds its sub-commands by their presence."""

from click.testing import CliRunner

from runtime_monitor.cli import main


def test_help_says_what_it_is_for() -> None:
    """Without importing a sub-command's libraries."""
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "running containers" in result.output


def test_a_sub_command_that_is_none_is_refused() -> None:
    """Wrong usage is exit code 2."""
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2
