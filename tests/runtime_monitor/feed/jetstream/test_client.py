"""A connection for threads: made when there is work, made anew after a failure, to whichever server answers."""

import socket
import ssl
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client as Nats

from runtime_monitor.feed.jetstream import client as module
from runtime_monitor.feed.jetstream import stream
from runtime_monitor.feed.jetstream.client import Client, JetStreamError, RefusedError
from runtime_monitor.feed.jetstream.settings import READER, Connection
from tests.runtime_monitor import parts
from tests.runtime_monitor.feed.jetstream.servers import LOOPBACK, Servers

pytestmark = pytest.mark.tools


async def _ask(nats: Nats) -> int:
    return (await stream.information(nats, "PODSEAL")).state.messages


def test_threads_share_it(nats: Servers) -> None:
    """Each gets its own answer."""
    with nats.client(READER) as client, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: client.run(_ask), range(50))) == [0] * 50


def test_it_comes_back_after_the_server_did(nats: Servers) -> None:
    """The failure names the server; the next piece of work has a connection again."""
    with nats.client(READER) as client:
        assert client.run(_ask) == 0
        nats.all[0].kill()
        with pytest.raises(JetStreamError, match=f"tls://{LOOPBACK}:{nats.all[0].port}"):
            client.run(_ask)
        nats.all[0].start()
        nats.make_stream()
        assert client.run(_ask) == 0


def test_a_server_that_is_down_is_passed_over(nats: Servers) -> None:
    """Whichever comes first."""
    port = parts.free_port()
    client = Client(nats.connection(READER, [port, nats.all[0].port, port]), READER)
    try:
        assert client.run(_ask) == 0
    finally:
        client.close()


def test_a_server_that_says_nothing_is_given_up(nats: Servers) -> None:
    """It accepts, and that is all."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        settings = nats.connection(READER, [silent.getsockname()[1]])
        client = Client(msgspec.structs.replace(settings, timeout_seconds=0.2), READER)
        try:
            with pytest.raises(JetStreamError, match=r"tls://127\.0\.0\.1:\d+: no answer in time|timeout"):
                client.run(_ask)
        finally:
            client.close()


def test_who_has_no_certificate_gets_no_word_in(nats: Servers) -> None:
    """The servers ask for one."""
    settings = msgspec.structs.replace(nats.connection(READER), client_cert_file="", client_key_file="")
    client = Client(settings, READER)
    try:
        with pytest.raises(JetStreamError):
            client.run(_ask)
    finally:
        client.close()


def test_a_server_of_another_authority_is_not_believed(nats: Servers) -> None:
    """Its certificate is checked, and so is its name."""
    assert module.tls_context(nats.connection(READER)).verify_mode == ssl.CERT_REQUIRED
    client = Client(msgspec.structs.replace(nats.connection(READER), ca_file=""), READER)
    try:
        with pytest.raises(JetStreamError, match="certificate verify failed"):
            client.run(_ask)
    finally:
        client.close()


def test_a_refusal_leaves_the_connection(nats: Servers) -> None:
    """It is an answer."""
    with nats.client("podseal-stream") as client:
        before = client.run(_connected)
        with pytest.raises(RefusedError, match="replicas"):
            client.run(_too_many_replicas(nats))
        assert client.run(_connected) == before


async def _connected(nats: Nats) -> int:
    return id(nats)


def _too_many_replicas(nats: Servers) -> Callable[[Nats], Coroutine[Any, Any, str]]:
    wanted = msgspec.structs.replace(nats.settings_of("podseal-stream"), replicas=5)

    async def apply(connection: Nats) -> str:
        return await stream.apply(connection, wanted)

    return apply


def test_what_was_never_connected_closes(nats_server: None) -> None:
    """And a second time."""
    del nats_server
    client = Client(Connection(servers=("nats://127.0.0.1:1",)), READER)
    client.close()
    client.close()
