"""Who may do what: the text for the servers, and what a server makes of it."""

import contextlib

import pytest
from nats.aio.client import Client as Nats

from runtime_monitor.feed.jetstream.client import JetStreamError
from runtime_monitor.feed.jetstream.permissions import authorization
from runtime_monitor.feed.jetstream.settings import READER, Connection, Stream
from tests import waiting
from tests.runtime_monitor.feed.jetstream.servers import Servers

STREAM = Stream(connection=Connection(servers=("tls://nats.example",)))


def test_the_text() -> None:
    """A line a user."""
    assert authorization(STREAM, ["b", "a", "b"]) == (
        "authorization {\n  users: [\n"
        '    {"user": "podseal-stream", "permissions": {"publish": {"allow": ["$JS.API.STREAM.INFO.PODSEAL",'
        ' "$JS.API.STREAM.CREATE.PODSEAL", "$JS.API.STREAM.UPDATE.PODSEAL"]},'
        ' "subscribe": {"allow": ["_INBOX.podseal-stream.>"]}}}\n'
        '    {"user": "podseal-feed", "permissions": {"publish": {"allow": ["$JS.API.STREAM.INFO.PODSEAL",'
        ' "$JS.API.DIRECT.GET.PODSEAL"]}, "subscribe": {"allow": ["_INBOX.podseal-feed.>"]}}}\n'
        '    {"user": "a", "permissions": {"publish": {"allow": ["podseal.alerts.a"]},'
        ' "subscribe": {"allow": ["_INBOX.a.>"]}}}\n'
        '    {"user": "b", "permissions": {"publish": {"allow": ["podseal.alerts.b"]},'
        ' "subscribe": {"allow": ["_INBOX.b.>"]}}}\n'
        "  ]\n}\n"
    )


def test_a_name_that_would_be_a_wildcard_is_refused() -> None:
    """Else one node could be all of them."""
    with pytest.raises(ValueError, match="no name of a node"):
        authorization(STREAM, ["*"])


PUBLISHING = (
    "podseal.alerts.node-2.example.internal",
    "podseal.alerts.node-1.x",
    "podseal.other",
    "$JS.API.STREAM.INFO.PODSEAL",
    "$JS.API.DIRECT.GET.PODSEAL",
    "$JS.API.STREAM.MSG.GET.PODSEAL",
    "$JS.API.CONSUMER.CREATE.PODSEAL",
    "$JS.API.STREAM.UPDATE.PODSEAL",
    "_INBOX.podseal-feed.forged",
    "$SYS.REQ.SERVER.PING",
)


@pytest.mark.tools
@pytest.mark.parametrize("subject", PUBLISHING)
def test_a_node_publishes_its_own_alerts_and_nothing_else(nats: Servers, subject: str) -> None:
    """Nor for another node, nor to the stream's interface, nor into an inbox of others."""

    async def ask(connection: Nats) -> None:
        await connection.request(subject, b"{}", timeout=60)

    with nats.client("node-1") as client, pytest.raises(JetStreamError, match=r"(?i)permissions violation for publish"):
        client.run(ask)


@pytest.mark.tools
@pytest.mark.parametrize("subject", ["podseal.alerts.node-1", "podseal.>", ">", "_INBOX.>", "_INBOX.podseal-feed.>"])
@pytest.mark.parametrize("user", ["node-1", READER])
def test_nobody_listens_to_others(nats: Servers, user: str, subject: str) -> None:
    """No alerts on their way, no answers to others; the feed reads the stream."""
    if (user, subject) == (READER, "_INBOX.podseal-feed.>"):
        return

    async def listen(connection: Nats) -> None:
        await connection.subscribe(subject)
        await connection.flush()

    with nats.client(user) as client:
        with contextlib.suppress(JetStreamError):  # where the refusal comes before the flush has ended
            client.run(listen)
        waiting.until(lambda: "permissions violation for subscription" in client._told.lower(), "the refusal", 60)


@pytest.mark.tools
def test_a_stranger_is_nobody(nats: Servers) -> None:
    """A certificate of the authority alone is not enough."""

    async def ask(connection: Nats) -> None:
        await connection.flush()

    # What the server says may be lost behind the end of the connection.
    with nats.client("stranger") as client, pytest.raises(JetStreamError):
        client.run(ask)
