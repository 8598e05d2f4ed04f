"""Alerts out of the stream: in order, without a gap, and no header that a node wrote is taken for the server's."""

import pytest
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from runtime_monitor.feed.jetstream import reading
from runtime_monitor.feed.jetstream.client import JetStreamError
from runtime_monitor.feed.jetstream.publisher import Publisher
from runtime_monitor.feed.jetstream.settings import READER
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.jetstream.servers import Servers

pytestmark = pytest.mark.tools
NODE = generated.NODE
SUBJECT = f"podseal.alerts.{NODE}"


def read(nats: Servers, sequence: int, most: int = 500) -> reading.Batch:
    """As the reader."""
    with nats.client(READER) as client:
        return client.run(lambda connection: reading.after(connection, "PODSEAL", sequence, most))


def test_pages_of_a_stream(nats: Servers) -> None:
    """Each begins behind the last one, and says how much is left."""
    made = Publisher(nats.connection(NODE), NODE, SUBJECT)
    made.send(list(generated.stream(25)))
    made.close()
    sizes, position = [], 0
    while batch := read(nats, position, 10).messages:
        assert [each.sequence for each in batch] == list(range(position + 1, position + 1 + len(batch)))
        assert {each.subject for each in batch} == {SUBJECT}
        sizes.append(len(batch))
        position = batch[-1].sequence
    assert sizes == [10, 10, 5]
    assert [read(nats, 0, 10).pending, read(nats, 10, 10).pending, read(nats, 20, 10).pending] == [15, 5, 0]
    assert read(nats, 10**6) == reading.Batch((), 0)


HOSTILE: dict[str, dict[str, str]] = {
    "an end of the batch": {"Status": "204", "Description": "EOB"},
    "no message": {"Status": "404"},
    "no responders": {"Status": "503"},
    "another node": {"Nats-Subject": "podseal.alerts.node-2.example.internal"},
    "another number": {"Nats-Sequence": "1000000", "Nats-Last-Sequence": "999999", "Nats-Num-Pending": "0"},
}


@pytest.mark.parametrize("headers", HOSTILE.values(), ids=HOSTILE)
def test_headers_of_a_node_are_not_the_servers(nats: Servers, headers: dict[str, str]) -> None:
    """The message is one like any other, of the node that published it."""

    async def publish(connection: Nats) -> None:
        for number in range(3):
            await connection.request(SUBJECT, b"%d" % number, headers=headers)

    with nats.client(NODE) as client:
        client.run(publish)
    batch = read(nats, 0)
    assert [(each.sequence, each.subject, each.data) for each in batch.messages] == [
        (number + 1, SUBJECT, b"%d" % number) for number in range(3)
    ]
    assert read(nats, 1).messages == batch.messages[1:]


HEADERS = ("Nats-Rollup", "all"), ("Nats-TTL", "1s"), ("Nats-Schedule", "@at 2030-01-01T00:00:00Z"), ("Nats-Incr", "+1")


@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_no_header_takes_alerts_away(nats: Servers, name: str, value: str) -> None:
    """A node's message cannot replace others, end by itself, or be anything but an alert."""

    async def publish(connection: Nats) -> bytes:
        await connection.request(SUBJECT, b"before")
        return (await connection.request(SUBJECT, b"{}", headers={name: value})).data

    with nats.client(NODE) as client:
        assert b'"error"' in client.run(publish)
    assert [each.data for each in read(nats, 0).messages] == [b"before"]


def test_a_gap_is_an_error() -> None:
    """As when a message of a batch did not arrive."""
    found = [reading.Message(7, SUBJECT, b"")]
    answer = Msg(_client=Nats(), data=b"x")
    with pytest.raises(JetStreamError, match="between 7 and 8 did not arrive"):
        reading._message(answer, {"Nats-Sequence": "9", "Nats-Last-Sequence": "8", "Nats-Subject": SUBJECT}, found)
    with pytest.raises(JetStreamError, match="the last messages"):
        reading._end({"Status": "204", "Nats-Last-Sequence": "8", "Nats-Num-Pending": "0"}, "PODSEAL", found)


def test_no_stream_is_said(nats: Servers) -> None:
    """With the remedy."""

    async def after(connection: Nats) -> reading.Batch:
        return await reading.after(connection, "PODSEAL", 0)

    nats.all[0].kill()
    for folder in (nats.all[0].folder / "jetstream").iterdir():
        folder.rename(nats.folder / "gone")
    nats.all[0].start()
    with nats.client(READER) as client, pytest.raises(JetStreamError, match="podseal-monitor stream apply"):
        client.run(after)
