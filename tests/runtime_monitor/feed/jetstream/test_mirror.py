"""The copy of a stream: the stream's numbers, each alert once, no alert of a node that it is not of."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from nats.aio.client import Client as Nats

from runtime_monitor import alerts
from runtime_monitor.alerts import Alert
from runtime_monitor.feed.jetstream.mirror import UNKNOWN, Mirror
from runtime_monitor.feed.jetstream.publisher import Publisher
from runtime_monitor.feed.jetstream.settings import MAKER, READER, subject_of
from runtime_monitor.feed.jetstream.stream import apply
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.spool.reader import Query, Reader
from tests import waiting
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.jetstream.servers import Servers

pytestmark = pytest.mark.tools
NODE = generated.NODE
OTHER = "node-2.example.internal"


@contextlib.contextmanager
def mirror(nats: Servers, path: pathlib.Path, metrics: Metrics | None = None) -> Iterator[Mirror]:
    """One that runs."""
    made = Mirror(nats.settings_of(READER), path, metrics or Metrics())
    made.start()
    try:
        yield made
    finally:
        made.stop()


def publish(nats: Servers, made: Sequence[Alert], node: str = NODE) -> None:
    """As a node."""
    publisher = Publisher(nats.connection(node), node, subject_of("podseal.alerts", node))
    publisher.send(made)
    publisher.close()


def copied(path: pathlib.Path) -> list[tuple[int, str]]:
    """Numbers and ids, the oldest first."""
    reader = Reader(path)
    try:
        return [(entry.seq, entry.alert().id) for entry in reader.after(0, 10_000)]
    finally:
        reader.close()


def reaches(path: pathlib.Path, last: int) -> None:
    """Wait for it."""

    def reached() -> bool:
        with contextlib.suppress(Exception):
            return Reader(path).last() >= last
        return False

    waiting.until(reached, f"the copy to reach {last}", 60)


def of(node: str, alert: Alert) -> Alert:
    """The alert as another node would have made it."""
    return msgspec.structs.replace(alert, hostname=node, id=alert.id.replace(generated.NODE, node, 1))


def test_every_copy_is_the_same(nats: Servers, tmp_path: pathlib.Path) -> None:
    """One that was there, one that begins later, one that goes on after a restart."""
    made = list(generated.stream(700))
    with mirror(nats, tmp_path / "first"):
        publish(nats, made[:200])
        reaches(tmp_path / "first", 200)
    publish(nats, [of(OTHER, alert) for alert in made[:50]], OTHER)
    with mirror(nats, tmp_path / "first"), mirror(nats, tmp_path / "second") as second:
        publish(nats, made[200:400])
        publish(nats, made[400:600])
        for name in ("first", "second"):
            reaches(tmp_path / name, 650)
        waiting.until(lambda: second.unready() == "", "it to be ready", 60)
        assert second.newest() == 650
        assert second.error == ""
    expected = [alert.id for alert in made[:200]] + [of(OTHER, alert).id for alert in made[:50]]
    expected += [alert.id for alert in made[200:600]]
    assert copied(tmp_path / "first") == copied(tmp_path / "second") == list(enumerate(expected, 1))


def test_questions_are_answered_like_a_spools(nats: Servers, tmp_path: pathlib.Path) -> None:
    """Filters, sessions, and the state of the stream where a sensor's is elsewhere."""
    publish(nats, list(generated.stream(100)))
    with mirror(nats, tmp_path / "copy"):
        reaches(tmp_path / "copy", 100)
        reader = Reader(tmp_path / "copy")
        found = [entry.alert().output_fields["k8s.ns.name"] for entry in reader.page(Query(namespace="shop")).entries]
        assert set(found) == {"shop"}
        assert reader.sessions()[0].alerts > 0
        assert reader.status()["stream"]["name"] == "PODSEAL"
        reader.close()


def test_what_is_not_of_the_node_is_left_out(nats: Servers, tmp_path: pathlib.Path) -> None:
    """Counted, with the reason; what follows is taken."""
    good, other = generated.alert(0), of(OTHER, generated.alert(1))
    bodies = [
        alerts.encode(other),
        alerts.encode(msgspec.structs.replace(good, id=other.id)),
        alerts.encode(msgspec.structs.replace(good, hostname=OTHER)),
        b"{",
        b"\xff",
        b'{"id": "x"}',
        b"[" * 100_000,
        alerts.encode(good),
    ]

    async def send(connection: Nats) -> None:
        for body in bodies:
            await connection.request(subject_of("podseal.alerts", NODE), body)

    metrics = Metrics()
    with nats.client(NODE) as client, mirror(nats, tmp_path / "copy", metrics):
        client.run(send)
        reaches(tmp_path / "copy", len(bodies))
    assert copied(tmp_path / "copy") == [(len(bodies), good.id)]
    text = metrics.render().decode()
    assert 'podseal_feed_left_out_total{reason="forged"} 3.0' in text
    assert 'podseal_feed_left_out_total{reason="unreadable"} 4.0' in text


def test_an_alert_that_came_twice_is_told_once(nats: Servers, tmp_path: pathlib.Path) -> None:
    """As after a cut that was longer than the servers' window of duplicates."""
    made = list(generated.stream(20))

    async def send(connection: Nats) -> None:
        for alert in [*made, *made]:
            await connection.request(subject_of("podseal.alerts", NODE), alerts.encode(alert))

    metrics = Metrics()
    with nats.client(NODE) as client, mirror(nats, tmp_path / "copy", metrics):
        client.run(send)
        reaches(tmp_path / "copy", 40)
    assert copied(tmp_path / "copy") == list(enumerate([alert.id for alert in made], 1))
    assert "podseal_feed_repeated_total 20.0" in metrics.render().decode()


def test_what_the_stream_forgot_is_forgotten(nats: Servers, tmp_path: pathlib.Path) -> None:
    """When the copy next looks at it: here as it starts again."""
    publish(nats, list(generated.stream(100)))
    with mirror(nats, tmp_path / "copy"):
        reaches(tmp_path / "copy", 100)
    nats.changes["max_alerts_per_node"] = 30
    with nats.client(MAKER) as client:
        wanted = nats.settings_of(MAKER)
        assert client.run(lambda connection: apply(connection, wanted)) == "changed"
    with mirror(nats, tmp_path / "copy"):
        waiting.until(lambda: len(copied(tmp_path / "copy")) == 30, "the copy to be shorter", 60)
    assert copied(tmp_path / "copy")[0][0] == 71


def test_a_stream_made_anew_is_copied_anew(nats: Servers, tmp_path: pathlib.Path) -> None:
    """Its numbers begin again."""
    publish(nats, list(generated.stream(10)))
    with mirror(nats, tmp_path / "copy") as running:
        reaches(tmp_path / "copy", 10)
        nats.all[0].kill()
        waiting.until(lambda: running.error, "the failure to be seen", 60)
        assert running.newest() == UNKNOWN
        assert running.unready() == ""
        (nats.all[0].folder / "jetstream").rename(nats.folder / "gone")
        nats.all[0].start()
        nats.make_stream()
        fresh = list(generated.stream(3, start=50))
        publish(nats, fresh)
        expected = list(enumerate([alert.id for alert in fresh], 1))
        waiting.until(lambda: copied(tmp_path / "copy") == expected, "the new stream", 60)


def test_until_it_has_read_everything_it_is_not_ready(nats: Servers, tmp_path: pathlib.Path) -> None:
    """And says why, where it cannot."""
    made = Mirror(nats.settings_of(READER), tmp_path / "copy", Metrics())
    assert made.unready()
    nats.all[0].kill()
    made.start()
    waiting.until(lambda: "tls://" in made.unready(), "the reason", 60)
    made.stop()
