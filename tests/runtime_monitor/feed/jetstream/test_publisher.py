"""Alerts into the stream: in order, each once, whatever was there before; what can never be taken is said to be so."""

import msgspec
import pytest

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output
from runtime_monitor.feed.jetstream import publisher, reading
from runtime_monitor.feed.jetstream.publisher import Publisher
from runtime_monitor.feed.jetstream.settings import READER, subject_of
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.jetstream.servers import Servers

pytestmark = pytest.mark.tools
NODE = generated.NODE


def published(nats: Servers) -> list[str]:
    """The ids of the alerts in the stream."""
    with nats.client(READER) as client:
        batch = client.run(lambda connection: reading.after(connection, "PODSEAL", 0))
    assert not batch.pending
    return [msgspec.json.decode(each.data)["id"] for each in batch.messages]


def opened(nats: Servers, node: str = NODE, subject: str = "") -> Publisher:
    """A node's."""
    return Publisher(nats.connection(node), node, subject or subject_of("podseal.alerts", node))


FIRST: dict[str, list[range]] = {
    "nothing": [],
    "the whole batch": [range(100)],
    "its first half": [range(50)],
    "its last alert": [range(99, 100)],
    "parts of it": [range(10, 12), range(40, 70)],
}


@pytest.mark.parametrize("ranges", FIRST.values(), ids=FIRST)
def test_a_batch_after_some_of_it_was_taken(nats: Servers, ranges: list[range]) -> None:
    """As after an acknowledgement that did not arrive: nothing twice, the rest in order."""
    alerts = list(generated.stream(100))
    made = opened(nats)
    for each in ranges:
        made.send([alerts[number] for number in each])
    made.send(alerts)
    made.close()
    there = [alerts[number].id for each in ranges for number in each]
    assert published(nats) == [*there, *(alert.id for alert in alerts if alert.id not in there)]


def larger(alert: Alert, size: int) -> Alert:
    """The alert with an output of so many characters."""
    return msgspec.structs.replace(alert, output="x" * size)


@pytest.mark.parametrize("size", [600 * 1024, 2 * 1024 * 1024], ids=["for the stream", "for the servers"])
def test_an_alert_that_is_too_large_is_rejected(nats: Servers, size: int) -> None:
    """For good, so that it holds nothing up; those beside it go when they are sent alone."""
    alerts = list(generated.stream(3))
    alerts[1] = larger(alerts[1], size)
    made = opened(nats)
    with pytest.raises(output.RejectedError):
        made.send(alerts)
    made.send([alerts[0]])
    with pytest.raises(output.RejectedError):
        made.send([alerts[1]])
    made.send([alerts[2]])
    made.close()
    assert published(nats) == [alerts[0].id, alerts[2].id]


def test_a_node_may_not_publish_for_another(nats: Servers) -> None:
    """It is told why, and goes on trying: an administrator may repair it."""
    made = opened(nats, subject="podseal.alerts.node-2.example.internal")
    with pytest.raises(output.UnavailableError, match=r"(?i)permissions violation for publish"):
        made.send(list(generated.stream(2)))
    made.close()
    assert published(nats) == []


def test_no_stream_is_said(nats: Servers) -> None:
    """With the remedy."""
    made = opened(nats)
    made.send(list(generated.stream(1)))
    nats.all[0].kill()
    with pytest.raises(output.UnavailableError, match=r"tls://"):
        made.send(list(generated.stream(1, start=1)))
    made.close()


@pytest.mark.parametrize(
    "alert", [each for each in generated.hostile() if "surrogate" not in each.output], ids=lambda alert: alert.id
)
def test_a_hostile_alert_is_one_message(alert: Alert) -> None:
    """Its id is safe in a header; a lone surrogate comes out of no spool."""
    identifier, data = publisher.message(msgspec.structs.replace(alert, id=f"n/{alert.output}\r\nNats-Rollup: all"))
    assert identifier.isascii()
    assert not set(identifier) & set(" \r\n:")
    assert msgspec.json.decode(data, type=Alert).id.startswith("n/")
