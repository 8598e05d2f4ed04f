"""`podseal-monitor stream`: the permissions, and what is said of a configuration that has no stream."""

import pathlib

import pytest
import yaml
from click.testing import CliRunner

from runtime_monitor.commands.stream import command

CONFIG = {"stream": {"connection": {"servers": ["tls://127.0.0.1:1"], "timeout_seconds": 1}, "name": "ALERTS"}}


@pytest.fixture
def config(tmp_path: pathlib.Path) -> str:
    """A configuration of the feed."""
    path = tmp_path / "feed.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return str(path)


def test_permissions(config: str) -> None:
    """For a server's configuration."""
    done = CliRunner().invoke(command, ["permissions", "--config", config, "node-1"])
    assert done.exit_code == 0
    assert done.stdout.startswith("authorization {\n")
    assert '"allow": ["podseal.alerts.node-1"]' in done.stdout
    assert "$JS.API.DIRECT.GET.ALERTS" in done.stdout


REFUSED = {
    "a node that is none": (["permissions", "*"], "'*' is no name of a node"),
    "no server answers": (["apply"], "tls://127.0.0.1:1: "),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_one_line(config: str, arguments: list[str], said: str) -> None:
    """And exit code 2."""
    done = CliRunner().invoke(command, [arguments[0], "--config", config, *arguments[1:]])
    assert done.exit_code == 2
    assert done.stderr.startswith("podseal-monitor stream: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["", "stream: {connection: {servers: [http://x]}}"], ids=["none", "a wrong one"])
def test_a_configuration_without_a_stream(tmp_path: pathlib.Path, text: str) -> None:
    """The file is named."""
    (tmp_path / "feed.yaml").write_text(text)
    done = CliRunner().invoke(command, ["apply", "--config", str(tmp_path / "feed.yaml")])
    assert done.exit_code == 2
    assert "feed.yaml" in done.stderr
