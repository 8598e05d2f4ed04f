"""The stream's figures: how fast a node publishes and a reader copies, and what the window of duplicates costs.

Rates are per second of the clock on a shared machine, with the servers on the same one. Memory is what two servers hold
that differ in their window alone, after the same ids; Go lets a process grow to twice of that. Called by `make bench`.
"""

import functools
import pathlib
import sys
import tempfile
import time

from runtime_monitor.feed.jetstream.mirror import Mirror
from runtime_monitor.feed.jetstream.publisher import Publisher, store
from runtime_monitor.feed.jetstream.settings import READER, subject_of
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.spool.reader import Reader
from runtime_monitor.spool.schema import SpoolError
from tests import waiting
from tests.bench.measure import Result, report, single
from tests.cluster import build, requirements
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.jetstream.servers import Server, Servers, servers

ALERTS = 40_000
IDS = 200_000
BATCH = 1000
CACHE_SECONDS = 12
"""More than nats-server keeps a block of messages in memory (defaultCacheBufferExpiration)."""
RATE = 100
"""Alerts a second of a whole cluster, for which the memory of the default window is told."""
WINDOW = 7200
PATIENCE = 300.0
NODE = generated.NODE


def main() -> int:
    """Measure, print, store."""
    try:
        build.ensure(["nats-server"])
    except requirements.MissingError as error:
        sys.stdout.write(f"stream: skipped: {error}\n")
        return 0
    return report("stream", [*_rates(), _window()])


def _rates() -> list[Result]:
    with tempfile.TemporaryDirectory() as name, servers(pathlib.Path(name) / "nats", 3, [NODE]) as nats:
        begun = time.perf_counter()
        _publish(nats, ALERTS)
        published = time.perf_counter() - begun
        begun = time.perf_counter()
        path = pathlib.Path(name) / "copy"
        mirror = Mirror(nats.settings_of(READER), path, Metrics())
        mirror.start()
        waiting.until(lambda: _last(path) >= ALERTS, "the copy", PATIENCE)
        copied = time.perf_counter() - begun
        mirror.stop()
    return [
        single("stream: alerts published a second, three replicas", ALERTS / published, unit="/s"),
        single("stream: alerts copied a second", ALERTS / copied, unit="/s"),
    ]


def _window() -> Result:
    """The same messages, of ids and nothing else, into two servers of which one forgets the ids at once."""
    used = []
    for window in (WINDOW, 1):
        with (
            tempfile.TemporaryDirectory() as name,
            servers(pathlib.Path(name) / "nats", 1, [NODE], duplicate_window_seconds=window) as nats,
        ):
            _publish_ids(nats)
            used.append(_settled(nats.all[0]))
    each = (used[0] - used[1]) / IDS
    whole = each * RATE * WINDOW / 2**20
    detail = f"{whole:.0f} MiB on each replica for {WINDOW // 3600} h at {RATE} alerts/s in all"
    return single("stream: memory of an id in the window of duplicates", each, unit=" B", detail=detail)


def _publish(nats: Servers, count: int) -> None:
    publisher = Publisher(nats.connection(NODE), NODE, subject_of("podseal.alerts", NODE))
    for first in range(0, count, publisher.batch):
        publisher.send(list(generated.stream(publisher.batch, start=first)))
    publisher.close()


def _publish_ids(nats: Servers) -> None:
    subject = subject_of("podseal.alerts", NODE)
    with nats.client(NODE) as client:
        for first in range(0, IDS, BATCH):
            ids = [generated.identity(number, generated.RULES[0][0]) for number in range(first, first + BATCH)]
            messages = [(each, b"{}") for each in ids]
            client.run(functools.partial(store, subject=subject, messages=messages))


def _last(path: pathlib.Path) -> int:
    reader = Reader(path)
    try:
        return reader.last()
    except SpoolError:
        return 0
    finally:
        reader.close()


def _settled(server: Server) -> int:
    """Bytes that it holds once its caches of blocks have expired: less than before for longer than they live."""
    lowest, since = server.memory(), time.monotonic()

    def settled() -> bool:
        nonlocal lowest, since
        held = server.memory()
        if held < lowest * 0.99:
            lowest, since = held, time.monotonic()
        return time.monotonic() - since > CACHE_SECONDS

    waiting.until(settled, "the server's caches to expire", PATIENCE)
    return lowest


if __name__ == "__main__":
    sys.exit(main())
