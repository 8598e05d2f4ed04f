"""One real server of NATS JetStream with its stream, for the tests of a module."""

import pathlib
from collections.abc import Iterator

import pytest

from tests.cluster import build, requirements
from tests.runtime_monitor.feed.jetstream import servers

NODES = ("node-1", "node-2.example.internal")


@pytest.fixture(scope="session")
def nats_server() -> None:
    """Skip where the server is not built, or fail where nothing may be skipped."""
    with requirements.or_skip():
        build.find("nats-server")


@pytest.fixture
def nats(nats_server: None, tmp_path: pathlib.Path) -> Iterator[servers.Servers]:
    """A server for one test."""
    del nats_server
    with servers.servers(tmp_path / "nats", 1, NODES) as made:
        yield made
