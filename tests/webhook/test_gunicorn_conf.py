"""Gunicorn's settings: that it accepts them all, and the ones on which correctness hangs. test_serve runs them."""

from pathlib import Path

import pytest
from gunicorn.config import Config

from webhook import gunicorn_conf, probes, settings, tls


@pytest.fixture
def config(certificates: Path) -> Config:
    """Gunicorn's own configuration with our settings in it."""
    said = settings.Tls(str(certificates / "tls.crt"), str(certificates / "tls.key"))
    server = settings.Server(settings.API_VERSION, "Settings", tls=said)
    shared = gunicorn_conf.Shared(tls.Certificates(tls.Files(said.cert_file, said.private_key_file)), probes.Board(2))
    found = Config()
    for name, value in gunicorn_conf.options(server, shared, 7).items():
        found.set(name, value)
    return found


def test_idle_connections_outlive_the_clients_patience(config: Config) -> None:
    """The API server closes after 90 s; whoever closes first risks a request that is just being sent."""
    assert config.keepalive > 90
    assert config.worker_connections > 10 * config.threads


def test_nothing_is_opened_that_nobody_asked_for(config: Config) -> None:
    """No control socket, no other protocol, TLS on, and only the socket that was bound."""
    assert config.control_socket_disable is True
    assert config.http_protocols == ["h1"]
    assert config.is_ssl
    assert config.address == [7]
    assert config.preload_app is True


def test_every_connection_gets_the_cached_context(config: Config) -> None:
    """Gunicorn asks for each of them."""
    assert config.ssl_context(config, None) is config.ssl_context(config, None)
