"""The command line of `podseal serve`: what wins over what. tests/webhook/test_serve.py runs the command itself."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from webhook import cli, serve, settings
from webhook.commands import serve as command

NOTHING: dict[str, Any] = {"bind": None, "tls_cert_file": None}


def test_what_is_not_said_comes_from_the_file() -> None:
    """Each setting on its own."""
    file = settings.Server(
        settings.API_VERSION, "Settings", bind="127.0.0.1:1", tls=settings.Tls(cert_file="a", private_key_file="b")
    )
    found = command.merged(file, {**NOTHING, "tls_cert_file": "c", "workers": 3})
    assert (found.bind, found.workers) == ("127.0.0.1:1", 3)
    assert (found.tls.cert_file, found.tls.private_key_file) == ("c", "b")


def test_option_then_variable_then_file_then_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that says something wins."""
    config = tmp_path / "podseal.yaml"
    config.write_text(
        "apiVersion: config.podseal.dev/v1alpha1\nkind: Settings\nbind: 127.0.0.1:1\nworkers: 5\nthreads: 3\n"
    )
    seen: list[settings.Server] = []
    monkeypatch.setattr(serve, "run", lambda server, _file: seen.append(server))
    monkeypatch.setattr("webhook.logs.configure", lambda _level: None)
    environment = {"PODSEAL_SERVE_BIND": "127.0.0.1:2", "PODSEAL_SERVE_WORKERS": "6"}
    arguments = ["serve", f"--config={config}", "--bind=127.0.0.1:3"]
    result = CliRunner().invoke(cli.main, arguments, env=environment, catch_exceptions=False)
    assert result.exit_code == 0
    (server,) = seen
    assert (server.bind, server.workers, server.threads) == ("127.0.0.1:3", 6, 3)
    assert server.metrics_bind == "127.0.0.1:8444"
