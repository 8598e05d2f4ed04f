"""The feed's figures: the spool's rate and delay, the cost of its sync modes, streams, a dead sink, the page.

Rates are per second of CPU, since these machines are shared; delays are of the clock, and the load of the machine is in
them. Called by `make bench`.
"""

import contextlib
import os
import pathlib
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.watch import RECENT
from runtime_monitor.spool.writer import Settings, Writer
from tests import waiting
from tests.bench.measure import Goal, Result, compare, report, single
from tests.runtime_monitor import browser as browsers
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed import feeds
from tests.runtime_monitor.feed.receiver import Receiver, Request, receiver

BATCH = 50
RATE = 100.0
CLIENTS = 200
PAGE_ALERTS = 50_000
PATIENCE = 120.0


def main() -> int:
    """Measure, print, store."""
    results = [*_rate(), *_delay(), *_streams(), *_dead_sink(), *_page()]
    return report("feed", results)


@contextlib.contextmanager
def _folder() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder)


def _batches(sync: str, count: int) -> Callable[[], float]:
    """A block: so many alerts in batches into a new spool; seconds of CPU an alert."""
    alerts = list(generated.stream(count))

    def block() -> float:
        with _folder() as folder:
            writer = Writer(folder / "spool.db", Settings(sync="full" if sync == "full" else "normal"))
            started = time.process_time()
            for first in range(0, count, BATCH):
                writer.append(alerts[first : first + BATCH])
            used = time.process_time() - started
            writer.close()
        return used / count

    return block


def _rate() -> list[Result]:
    normal, full = _batches("normal", 10_000), _batches("full", 2_000)
    rate = statistics.median(1 / normal() for _ in range(5))
    told = f"batches of {BATCH}, {len(msgspec.json.encode(generated.alert(0)))} bytes an alert, per second of CPU"
    return [
        single("spool: alerts a second", rate, unit="/s", goal=Goal(20_000, at_most=False), detail=told),
        compare("spool: CPU of sync full beside normal", normal, full, blocks=6),
        _wall_of_sync(),
    ]


def _wall_of_sync() -> Result:
    """What each sync mode makes the sensor wait for a batch, on this disk."""

    def wall(sync: str) -> Callable[[], float]:
        alerts = list(generated.stream(1000))

        def block() -> float:
            with _folder() as folder:
                writer = Writer(folder / "spool.db", Settings(sync="full" if sync == "full" else "normal"))
                started = time.perf_counter()
                for first in range(0, len(alerts), BATCH):
                    writer.append(alerts[first : first + BATCH])
                used = time.perf_counter() - started
                writer.close()
            return used

        return block

    return compare("spool: time of sync full beside normal", wall("normal"), wall("full"), blocks=6)


def _paced(count: int) -> Iterator[Alert]:
    """Alerts at their rate; one that is late is not waited for."""
    begun = time.perf_counter()
    for number, alert in enumerate(generated.stream(count)):
        pause = begun + number / RATE - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        yield alert


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _delay() -> list[Result]:
    """How long the sensor waits for the acknowledgement of one alert, a hundred a second."""
    with _folder() as folder:
        writer = Writer(folder / "spool.db")
        taken = []
        for alert in _paced(1000):
            started = time.perf_counter()
            writer.append([alert])
            taken.append((time.perf_counter() - started) * 1000)
        writer.close()
    told = f"median {statistics.median(taken):.3g} ms, machine's load {os.getloadavg()[0]:.0f}"
    return [
        single("spool: p99 added at 100 alerts/s", _percentile(taken, 0.99), unit="ms", goal=Goal(2.0), detail=told)
    ]


def _streams() -> list[Result]:
    """The feed's memory after a minute of 200 streams, beside that after their first seconds."""
    with _folder() as folder, contextlib.ExitStack() as stack:
        writer = Writer(folder / "spool.db")
        writer.append(generated.stream(1))
        feed = stack.enter_context(feeds.feed(folder))
        host, _, port = feed.url.removeprefix("http://").partition(":")
        received = _Readers([stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(CLIENTS)])
        waiting.until(lambda: feed.metric("stream_clients") == CLIENTS, "the streams", PATIENCE)
        memory = []
        for number, alert in enumerate(_paced(4000)):
            writer.append([msgspec.structs.replace(alert, id=f"{alert.id}-{number}")])
            if number % 100 == 99:
                memory.append(_resident(feed.process.pid))
        waiting.until(lambda: received.least() >= 4000, "every stream to have everything", PATIENCE)
        received.stop()
        writer.close()
    settled = memory[RECENT // 100 + 5]  # its memory of recent alerts is full by then
    told = f"{settled:.0f} MiB, then {memory[-1]:.0f} MiB; 4000 alerts each, none missing"
    growth = memory[-1] / settled
    return [single("streams: memory of 200 clients", growth, unit="x", goal=Goal(1.1), detail=told)]


class _Readers:
    """Reads many streams in one thread and counts their events."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        import selectors  # noqa: PLC0415 -- here alone

        self._selector = selectors.DefaultSelector()
        self._counts = dict.fromkeys(range(len(sockets)), 0)
        self._stop = threading.Event()
        for number, each in enumerate(sockets):
            each.sendall(b"GET /alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self._selector.register(each, selectors.EVENT_READ, number)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def least(self) -> int:
        """What the slowest has received."""
        return min(self._counts.values())

    def stop(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join()
        self._selector.close()

    def _run(self) -> None:
        rest = dict.fromkeys(self._counts, b"")
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.2):
                data = rest[key.data] + os.read(key.fd, 1 << 18)
                self._counts[key.data] += data.count(b"event: alert")
                rest[key.data] = data[-11:] if not data.endswith(b"event: alert") else b""


def _resident(pid: int) -> float:
    """MiB."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _dead_sink() -> list[Result]:
    """The p99 from the spool to a receiver, with a dead output beside it and without."""
    with contextlib.ExitStack() as stack:
        dead = stack.enter_context(receiver())
        dead.hold = True
        alone = _Delivered(stack, [])
        beside = _Delivered(stack, [{"type": "http", "name": "dead", "url": dead.url}])
        return [
            compare("outputs: p99 beside a dead one", alone.p99, beside.p99, goal=Goal(1.1), blocks=6),
            single("outputs: p99 from spool to receiver", statistics.median(alone.seen) * 1000, unit="ms"),
        ]


class _Delivered:
    """A feed with one good output, and how long alerts take to it."""

    def __init__(self, stack: contextlib.ExitStack, others: list[dict[str, object]]) -> None:
        folder = stack.enter_context(_folder())
        self.seen: list[float] = []
        self._arrived: dict[str, float] = {}
        self._server: Receiver = stack.enter_context(receiver())
        self._server.answer = self._answer
        self._writer = Writer(folder / "spool.db")
        stack.callback(self._writer.close)
        outputs = [{"type": "http", "name": "good", "url": self._server.url}, *others]
        stack.enter_context(feeds.feed(folder, outputs=outputs))
        self._number = 0

    def p99(self) -> float:
        """A block of three seconds."""
        sent = {}
        for alert in _paced(300):
            self._number += 1
            own = msgspec.structs.replace(alert, id=f"{alert.id}-{self._number}")
            sent[own.id] = time.perf_counter()
            self._writer.append([own])
        waiting.until(lambda: sent.keys() <= self._arrived.keys(), "all alerts", PATIENCE)
        value = _percentile([self._arrived[each] - begun for each, begun in sent.items()], 0.99)
        self.seen.append(value)
        return value

    def _answer(self, request: Request) -> tuple[int, dict[str, str]]:
        self._arrived[request.json["output_fields"]["podseal.alert_id"]] = time.perf_counter()
        return 200, {}


PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
FIRST_ROW = "() => performance.now()"


def _page() -> list[Result]:
    """The page over 50,000 alerts: first paint, first row, and reading down to the last one."""
    with _folder() as folder:
        writer = Writer(folder / "spool.db")
        for first in range(0, PAGE_ALERTS, 500):
            writer.append(generated.stream(500, start=first))
        with feeds.feed(folder) as feed, browsers.chromium() as browser:
            paints, rows = [], []
            for _ in range(5):
                with browsers.window(browser) as window:
                    window.page.goto(feed.url)
                    window.page.locator(".row").first.wait_for()
                    rows.append(float(window.page.evaluate(FIRST_ROW)) / 1000)
                    paints.append(float(window.page.evaluate(PAINTED)) / 1000)
            writer.close()
    told = f"first rows after {statistics.median(rows):.2g} s, machine's load {os.getloadavg()[0]:.0f}"
    paint = statistics.median(paints)
    return [single("page: first paint with 50,000 alerts", paint, unit="s", goal=Goal(1.0), detail=told)]


if __name__ == "__main__":
    sys.exit(main())
