"""Drills of the alert feed: something happens to a receiver, to the sensor, to the feed or to the disk, under load.

In: a `Stage`. Out: an `Outcome`: alerts made (acknowledged by the spool), delivered, duplicated, lost. `DRILLS` names
them; `python -m tests.drills` prints them as a table, tests/drills/test_feed.py runs a short form of each. None may be
lost; alerts come twice only where the docstring says so.
"""

import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from runtime_monitor.alerts import Alert
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated, parts
from tests.runtime_monitor.feed import feeds
from tests.runtime_monitor.feed.receiver import Answer, Receiver, receiver

PATIENCE = 120.0
WARM = 20
GROUP = 2
HOUR = 3600 * 10**9
STUCK_CLIENTS = 50


@dataclass(frozen=True)
class Stage:
    """Where a drill runs: `outage` is in seconds, `kills` is how often a process is killed.

    `trouble` is how long something goes on that is no outage: a tenth of one.
    """

    folder: pathlib.Path
    outage: float
    kills: int

    @property
    def trouble(self) -> float:
        """In seconds."""
        return self.outage / 10

    @property
    def file(self) -> pathlib.Path:
        """Where the output of `to_file` writes."""
        return self.folder / "alerts"

    @property
    def to_file(self) -> dict[str, Any]:
        """An output that always works."""
        return {"type": "file", "path": str(self.file)}


@dataclass(frozen=True)
class Outcome:
    """What came of a drill. `fault` is what went wrong beside alerts that are lost."""

    made: int
    delivered: int
    duplicated: int
    note: str = ""
    fault: str = ""

    @property
    def lost(self) -> int:
        """Made and never delivered."""
        return self.made - self.delivered


def compared(made: Sequence[str], received: Sequence[str], note: str = "", fault: str = "") -> Outcome:
    """By the alerts' ids; what arrived that nobody made is a fault, and so is another order."""
    known = set(made)
    first_times = list(dict.fromkeys(received))
    forged, arrived_ones = [each for each in first_times if each not in known], set(first_times)
    if forged:
        fault = f"{len(forged)} arrived that nobody made"
    elif first_times != [each for each in made if each in arrived_ones]:
        fault = "they came in another order"
    delivered = len(first_times) - len(forged)
    return Outcome(len(made), delivered, len(received) - len(first_times), note, fault)


class Load:
    """Appends alerts in small groups, up to a hundred a second, while the block runs."""

    def __init__(self, writer: Writer, alter: Callable[[Alert], Alert] = lambda alert: alert) -> None:
        self.made: list[str] = []
        self._writer = writer
        self._alter = alter
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        waiting.until(lambda: self._writer.append(()), "the last alerts to be written", PATIENCE)

    def more(self, count: int = WARM) -> None:
        """Return once so many more alerts were made."""
        wanted = len(self.made) + count
        waiting.until(lambda: len(self.made) >= wanted, "alerts to be made", PATIENCE)

    def during(self, seconds: float) -> None:
        """Return after a time under load."""
        self._stop.wait(seconds)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.02):
            group = [self._alter(alert) for alert in generated.stream(GROUP, start=number)]
            number += GROUP
            self._writer.append(group)
            self.made += [alert.id for alert in group]


@contextlib.contextmanager
def sensor(folder: pathlib.Path) -> Iterator[Writer]:
    """The sensor's end of the spool."""
    made = Writer(folder / "spool.db")
    try:
        yield made
    finally:
        made.close()


def in_file(path: pathlib.Path) -> list[str]:
    """The ids of the alerts in a file of JSON lines; the half line of a feed that was killed is none."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            found.append(str(json.loads(line)["output_fields"]["podseal.alert_id"]))
    return found


def arrived(load: Load, received: Callable[[], Sequence[str]]) -> None:
    """Return once everything that was made is there; what piled up for ten minutes may take its time, but not stand."""
    left = missing = len(load.made) + 1

    def fewer() -> bool:
        nonlocal left
        left = len(set(load.made) - set(received()))
        return left < missing

    while missing:
        waiting.until(fewer, f"one more of {missing} alerts to arrive", PATIENCE)
        missing = left


def sink_down(stage: Stage) -> Outcome:
    """The receiver's port refuses, then a server is there again."""
    port = parts.free_port()
    output = {"type": "http", "url": f"http://127.0.0.1:{port}"}
    with sensor(stage.folder) as spool, feeds.feed(stage.folder, outputs=[output]), contextlib.ExitStack() as stack:
        with Load(spool) as load:
            with receiver(port) as before:
                waiting.until(lambda: len(before.requests) > WARM, "the first alerts", PATIENCE)
            load.during(stage.outage)
            after = stack.enter_context(receiver(port))
            waiting.until(lambda: len(after.requests) > WARM, "it to go on", PATIENCE)
        arrived(load, lambda: before.ids() + after.ids())
        return compared(load.made, before.ids() + after.ids(), f"refused for {stage.outage:g} s")


def sink_silent(stage: Stage) -> Outcome:
    """The receiver accepts and never answers; what it swallowed meanwhile is sent again. The other output goes on."""
    with sensor(stage.folder) as spool, receiver() as server:
        output = {"type": "http", "url": server.url, "endpoint": {"timeout_seconds": 1}}
        with feeds.feed(stage.folder, outputs=[output, stage.to_file]) as feed:
            with Load(spool) as load:
                waiting.until(lambda: len(server.requests) > WARM, "the first alerts", PATIENCE)
                server.hold = True
                load.during(stage.trouble)
                waiting.until(lambda: feed.metric("failures_total", "http") > 0, "it to give up waiting", PATIENCE)
                load.more()
                waiting.until(lambda: set(load.made[:-WARM]) <= set(in_file(stage.file)), "the other output", PATIENCE)
                server.hold = False
                server.release.set()
            arrived(load, server.ids)
            return compared(load.made, server.ids(), "the other output went on meanwhile")


def sink_errors(stage: Stage) -> Outcome:
    """It answers 500, then 429 with Retry-After, by turns, and takes one now and then."""
    refused = 0

    def answer(_: object) -> Answer:
        nonlocal refused
        refused += 1
        return ((500, {}), (429, {"Retry-After": "0"}), (200, {}), (503, {}))[refused % 4]

    with sensor(stage.folder) as spool, receiver() as server:
        outputs = [{"type": "http", "url": server.url}]
        with feeds.feed(stage.folder, outputs=outputs):
            with Load(spool) as load:
                waiting.until(lambda: len(server.requests) > WARM, "the first alerts", PATIENCE)
                server.answer = answer
                load.during(stage.trouble)
                waiting.until(lambda: refused > 8, "some refusals", PATIENCE)
                server.answer = lambda _: (200, {})
            arrived(load, server.ids)
            return compared(load.made, server.ids(), f"{refused} answers, three of four bad")


def sensor_killed(stage: Stage) -> Outcome:
    """SIGKILL of whoever writes the spool, at random points under load: what was acknowledged is delivered."""
    source = random.Random(8)  # noqa: S311 -- data, not secrets
    spool = stage.folder / "spool.db"
    acknowledged = 0
    with feeds.feed(stage.folder, outputs=[stage.to_file]):
        for _ in range(stage.kills):
            acknowledged = _killed_after(spool, acknowledged, source.randrange(1, 60))
        made = [alert.id for alert in generated.stream(acknowledged)]
        waiting.until(lambda: set(made) <= set(in_file(stage.file)), "all acknowledged alerts", PATIENCE)
        # What was written and not yet acknowledged when the signal came may be there as well, and rightly.
        received = [each for each in in_file(stage.file) if each in set(made)]
        return compared(made, received, f"killed {stage.kills} times")


def _killed_after(spool: pathlib.Path, start: int, groups: int) -> int:
    """Append from a number on, kill the process after so many groups; how many alerts it had acknowledged."""
    command = [
        sys.executable,
        "-m",
        "tests.runtime_monitor.spool.appender",
        str(spool),
        "normal",
        str(start),
        "1000000",
    ]
    acknowledged = start
    with subprocess.Popen(command, cwd=feeds.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for number, line in enumerate(process.stdout):
            if line.startswith("acknowledged ") and line.endswith("\n"):
                acknowledged = int(line.split()[1])
            if number == groups:
                process.kill()
    return acknowledged


def feed_killed(stage: Stage) -> Outcome:
    """SIGKILL of the feed under load: an alert on its way may come twice, with the same id."""
    with sensor(stage.folder) as spool:
        with Load(spool) as load:
            for _ in range(stage.kills):
                with feeds.feed(stage.folder, outputs=[stage.to_file]) as feed:
                    there = len(in_file(stage.file))
                    waiting.until(lambda: len(in_file(stage.file)) > there, "some alerts", PATIENCE)  # noqa: B023 -- at once
                    feed.kill()
        with feeds.feed(stage.folder, outputs=[stage.to_file]):
            arrived(load, lambda: in_file(stage.file))
            return compared(load.made, in_file(stage.file), f"killed {stage.kills} times")


def disk_full(stage: Stage) -> Outcome:
    """A file system without room: alerts wait in memory, are told, and are written once there is room again."""
    disk = stage.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "podseal-drill", str(disk)], check=True)
    try:
        with sensor(disk) as spool, feeds.feed(disk, outputs=[stage.to_file], state=str(stage.folder / "state")):
            with Load(spool) as load:
                load.more()
                filler = disk / "filler"
                with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * 4096)
                waiting.until(lambda: spool.pending > WARM, "alerts to wait", PATIENCE)
                failures = spool.counts.failures
                filler.unlink()
            arrived(load, lambda: in_file(stage.file))
            return compared(load.made, in_file(stage.file), f"{failures} writes failed")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def clock_set_back(stage: Stage) -> Outcome:
    """The node's clock goes back an hour in the middle: order is the spool's, and deduplication goes on."""
    changed = threading.Event()

    def alter(alert: Alert) -> Alert:
        return msgspec.structs.replace(alert, time=alert.time - HOUR) if changed.is_set() else alert

    deduplicated = {
        "type": "file",
        "name": "once",
        "path": str(stage.folder / "once"),
        "deduplicate": {"keys": ["rule"], "seconds": 3600},
    }
    with sensor(stage.folder) as spool, feeds.feed(stage.folder, outputs=[stage.to_file, deduplicated]):
        with Load(spool, alter) as load:
            load.more()
            changed.set()
            load.more(WARM * 5)
        arrived(load, lambda: in_file(stage.file))
        rules = len(generated.RULES)
        waiting.until(lambda: len(in_file(stage.folder / "once")) >= 2 * rules, "each rule before and after", PATIENCE)
        return compared(load.made, in_file(stage.file), "deduplication began a new window")


def clients_read_nothing(stage: Stage) -> Outcome:
    """Streams whose clients take nothing: everybody else gets everything."""
    with sensor(stage.folder) as spool, feeds.feed(stage.folder, outputs=[stage.to_file]) as feed:
        with contextlib.ExitStack() as stack, Load(spool) as load:
            host, _, port = feed.url.removeprefix("http://").partition(":")
            for _ in range(STUCK_CLIENTS):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect((host, int(port)))
                client.sendall(b"GET /alerts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            waiting.until(lambda: feed.metric("stream_clients") == STUCK_CLIENTS, "the clients", PATIENCE)
            load.more(WARM * 10)
            load.during(stage.trouble)
            assert feed.json("/alerts?limit=1")["alerts"]
        arrived(load, lambda: in_file(stage.file))
        return compared(load.made, in_file(stage.file), f"{STUCK_CLIENTS} clients that read nothing")


def hostile_contents(stage: Stage) -> Outcome:
    """Names with markup, line breaks, headers, shell and terminal codes: in every sink one record an alert."""
    alerts = generated.hostile()
    program, marker = stage.folder / "program", pathlib.Path("/tmp/podseal-injected")  # noqa: S108 -- a hostile text's
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(str(stage.folder / "log"))
    log.settimeout(PATIENCE)
    with log, sensor(stage.folder) as spool, receiver() as server:
        outputs = [
            stage.to_file,
            {"type": "file", "name": "text", "path": str(stage.folder / "text"), "format": "text"},
            {"type": "stdout", "format": "json"},
            {"type": "syslog", "address": str(stage.folder / "log")},
            {"type": "program", "shell": f"cat >> {program}; echo >> {stage.folder / 'calls'}"},
            {"type": "http", "url": server.url},
            *({"type": kind, "url": f"{server.url}/{kind}"} for kind in ("alertmanager", "otlp")),
        ]
        with feeds.feed(stage.folder, outputs=outputs):
            spool.append(alerts)
            faults = _forged(stage, alerts, server, [log.recv(65536) for _ in alerts])
        if marker.exists():
            faults.append("a shell ran what a name said")
        return compared([alert.id for alert in alerts], in_file(stage.file), "8 sinks", ", ".join(faults))


def _forged(stage: Stage, alerts: Sequence[Alert], server: Receiver, messages: Sequence[bytes]) -> list[str]:
    """The sinks that hold more or fewer records than there were alerts, once they have stopped to come."""

    def lines(name: str) -> int:
        path = stage.folder / name
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def posted() -> int:
        paths = [each.path for each in list(server.requests)]
        return paths.count("/") * (
            any("alertmanager" in path for path in paths) and any("otlp" in path for path in paths)
        )

    counts: dict[str, Callable[[], int]] = {
        "file": lambda: lines("alerts"),
        "text": lambda: lines("text"),
        "program": lambda: lines("program"),
        "calls": lambda: lines("calls"),
        "http": posted,
        "stdout": lambda: len(in_file(stage.folder / "feed.log")),
    }
    for name, count in counts.items():
        waiting.until(lambda counted=count: counted() >= len(alerts), name, PATIENCE)  # type: ignore[misc]
    faults = [name for name, count in counts.items() if count() != len(alerts)]
    if any("X-Injected" in each.headers for each in server.requests):
        faults.append("a header came from a name")
    if any(b"\n" in message for message in messages):
        faults.append("syslog")
    return faults


DRILLS: dict[str, Callable[[Stage], Outcome]] = {
    "sink-down": sink_down,
    "sink-silent": sink_silent,
    "sink-errors": sink_errors,
    "sensor-killed": sensor_killed,
    "feed-killed": feed_killed,
    "clock-set-back": clock_set_back,
    "clients-read-nothing": clients_read_nothing,
    "hostile-contents": hostile_contents,
    **({"disk-full": disk_full} if os.geteuid() == 0 else {}),
}
