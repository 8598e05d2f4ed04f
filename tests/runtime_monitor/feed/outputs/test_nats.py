"""NATS JetStream: the output's settings. What it does with a server is tested beside `feed.jetstream`."""

import socket
import subprocess
import sys

import msgspec
import pytest

from runtime_monitor.feed import outputs
from runtime_monitor.feed.outputs import nats

TREE = {"type": "nats", "name": "n", "connection": {"servers": ["tls://nats.example:4222"]}}


def test_the_node_is_named_by_whoever_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration, else the pod's environment, else the machine."""
    monkeypatch.setenv("NODE_NAME", "from-the-pod")
    assert msgspec.convert({**TREE, "node": "given"}, nats.Settings).named == "given"
    assert msgspec.convert(TREE, nats.Settings).named == "from-the-pod"
    monkeypatch.delenv("NODE_NAME")
    assert msgspec.convert(TREE, nats.Settings).named == socket.gethostname()


def test_a_node_that_cannot_be_one_is_refused() -> None:
    """A wildcard would be every node."""
    with pytest.raises(msgspec.ValidationError, match="is no name of a node"):
        msgspec.convert({**TREE, "node": "*"}, nats.Settings)


def test_it_is_found() -> None:
    """By its presence."""
    assert outputs.KINDS["nats"] is nats.Settings


def test_the_client_is_imported_by_those_who_use_it() -> None:
    """Not by every feed."""
    code = "import sys; import runtime_monitor.feed.process, runtime_monitor.feed.outputs; print('nats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
