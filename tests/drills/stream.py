"""The drill of the stream: three servers of NATS JetStream, three nodes, two replicas of the cluster's feed.

In: a `Stage`. Out: an `Outcome`, as the drills of the feed have it: what one client saw, who goes from replica to
replica with its `Last-Event-ID`. None may be lost, none may come twice, a node's alerts come in their order, and both
replicas must answer alike in the end. `python -m tests.drills` prints it, tests/drills/test_stream.py has a short form.
"""

import contextlib
import json
import pathlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import urllib3

from runtime_monitor.alerts import Alert
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.drills.feed import PATIENCE, Load, Outcome, Stage, compared, sensor
from tests.drills.relay import network
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed import feeds
from tests.runtime_monitor.feed.jetstream import servers

NODES = ("node-a", "node-b.example.internal", "node-c")
CUT_OFF = NODES[-1]
REPLICAS = 2
MORE = 100
PAGE = 1000
TIMEOUT = 2.0


class Client:
    """Follows the alerts at one replica after the other; `seen` are the ids of those that it was sent."""

    def __init__(self, url: str) -> None:
        self.seen: list[str] = []
        self._url = url
        self._last = "0"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def move(self, url: str) -> None:
        """Go on at another replica."""
        self._url = url

    def stop(self) -> None:
        """End. Alerts must still come, or heartbeats."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def of(self, node: str) -> int:
        """How many were of a node."""
        return sum(each.startswith(f"{node}/") for each in list(self.seen))

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                self._follow(self._url)

    def _follow(self, url: str) -> None:
        headers = {"Last-Event-ID": self._last}
        answer = urllib3.PoolManager(retries=False).request(
            "GET", f"{url}/alerts/stream", headers=headers, preload_content=False, timeout=PATIENCE
        )
        with contextlib.closing(answer):
            pending = b""
            for chunk in answer.stream(65536):
                *events, pending = (pending + chunk).split(b"\n\n")
                for event in events:
                    self._take(event)
                if self._stop.is_set() or url != self._url:
                    return

    def _take(self, event: bytes) -> None:
        lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))
        if b"data" in lines:
            self._last = lines[b"id"].decode()
            self.seen.append(json.loads(lines[b"data"])["output_fields"]["podseal.alert_id"])


@dataclass
class Cluster:
    """What runs: the servers, a load a node, the replicas of the feed, a client."""

    nats: servers.Servers
    replicas: list[feeds.Feed]
    client: Client
    loads: dict[str, Load] = field(default_factory=dict)

    def more(self, *nodes: str) -> None:
        """Return once the client, now at another replica, has seen more alerts of these nodes (none = all)."""
        urls = [each.url for each in self.replicas]
        self.client.move(urls[(urls.index(self.client._url) + 1) % len(urls)])
        for node in nodes or NODES:
            wanted = len(self.loads[node].made) + MORE
            waiting.until(lambda: self.client.of(node) >= wanted, f"more alerts of {node}", PATIENCE)  # noqa: B023 -- at once


def server_killed_node_cut_off(stage: Stage) -> Outcome:
    """SIGKILL of the server that leads the stream; it comes back; then a node has no network for `outage` seconds."""
    with servers.servers(stage.folder / "nats", 3, NODES) as nats, network([each.port for each in nats.all]) as cable:
        ports = {CUT_OFF: cable.ports}
        with _cluster(stage.folder, nats, ports) as cluster:
            cluster.more()
            leader = nats.leader()
            leader.kill()
            cluster.more()
            leader.start()
            cluster.more()
            cable.cut()
            cluster.loads[CUT_OFF].during(stage.outage)
            cluster.more(*(node for node in NODES if node != CUT_OFF))
            cable.mend()
            cluster.more()
            for load in cluster.loads.values():
                load.__exit__()
            made = {node: load.made for node, load in cluster.loads.items()}
            waiting.until(
                lambda: set(cluster.client.seen) >= {each for ids in made.values() for each in ids},
                "all alerts",
                PATIENCE,
            )
            return _outcome(cluster, made, f"{leader.name} killed, {CUT_OFF} cut off for {stage.outage:g} s")


@contextlib.contextmanager
def _cluster(folder: pathlib.Path, nats: servers.Servers, ports: dict[str, list[int]]) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        replicas = []
        for number in range(REPLICAS):
            place = folder / f"replica-{number}"
            place.mkdir()
            settings = nats.settings()
            settings["connection"]["timeout_seconds"] = TIMEOUT
            replicas.append(stack.enter_context(feeds.feed(place, stream=settings)))
        made = Cluster(nats, replicas, Client(replicas[0].url))
        stack.callback(made.client.stop)
        for node in NODES:
            place = folder / node
            place.mkdir()
            writer: Writer = stack.enter_context(sensor(place))
            connection = msgspec.structs.replace(nats.connection(node, ports.get(node, ())), timeout_seconds=TIMEOUT)
            output: dict[str, Any] = {"type": "nats", "node": node, "connection": msgspec.to_builtins(connection)}
            stack.enter_context(feeds.feed(place, outputs=[output]))
            made.loads[node] = Load(writer, _of(node))
            made.loads[node].__enter__()
        yield made


def _of(node: str) -> Callable[[Alert], Alert]:
    """Alerts as a node makes them."""

    def alter(alert: Alert) -> Alert:
        return msgspec.structs.replace(alert, hostname=node, id=alert.id.replace(generated.NODE, node, 1))

    return alter


def _outcome(cluster: Cluster, made: dict[str, list[str]], note: str) -> Outcome:
    """A node's alerts are compared with those that it made; what is of no node is forged."""
    seen = list(cluster.client.seen)
    parts = [compared(made[node], [each for each in seen if each.startswith(f"{node}/")]) for node in NODES]
    faults = [part.fault for part in parts if part.fault]
    if sum(cluster.client.of(node) for node in NODES) != len(seen):
        faults.append("alerts of no node arrived")
    first, *others = [_everything(replica) for replica in cluster.replicas]
    if any(other != first for other in others):
        faults.append("the replicas answer differently")
    if len(first) != sum(map(len, made.values())):
        faults.append(f"a replica has {len(first)} alerts")
    sums = [sum(getattr(part, name) for part in parts) for name in ("made", "delivered", "duplicated")]
    return Outcome(sums[0], sums[1], sums[2], note, ", ".join(faults))


def _everything(replica: feeds.Feed) -> list[tuple[str, str]]:
    """Number and id of every alert, page by page."""
    found: list[tuple[str, str]] = []
    path = f"/alerts?limit={PAGE}"
    following: str | None = ""
    while following is not None:
        page = replica.json(path + (f"&cursor={following}" if following else ""))
        found += [(each["id"], each["alert"]["output_fields"]["podseal.alert_id"]) for each in page["alerts"]]
        following = page["next"]
    return found


DRILLS: dict[str, Callable[[Stage], Outcome]] = {"stream": server_killed_node_cut_off}
