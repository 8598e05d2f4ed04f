"""A node's parts together: what they count is what Prometheus and the spool's readers see."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import kubernetes.client
import pytest

from runtime_monitor import listener, node, reload, ruling
from runtime_monitor.enrich import roots
from runtime_monitor.kernel import machine, sensor
from runtime_monitor.spool import reader, schema
from tests import waiting
from tests.runtime_monitor.conftest import Monitor

KUBERNETES = kubernetes.client
"""Imported here: in whichever thread that happens first, it warns of an optional package of urllib3."""


@pytest.fixture
def port() -> int:
    """A port on the loopback that is free."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def running(monitor: Monitor, port: int) -> Iterator[Path]:
    """A node in a thread of this process; gives its spool."""
    spool = monitor.folder / "spool.db"
    settings = node.Settings(
        node="node-1",
        spool=spool,
        kubeconfig="/nowhere",
        listeners=(listener.Listener("127.0.0.1", port),),
        bpffs=monitor.folder / "bpf",
    )
    stopped = threading.Event()
    with closing(ruling.Ruling.of(reload.Request(()))) as judges:
        thread = threading.Thread(target=node.run, args=(settings, judges, stopped))
        thread.start()
        try:
            yield spool
        finally:
            stopped.set()
            thread.join()


def reported(spool: Path) -> dict[str, Any]:
    """What the sensor left in the spool for its readers; nothing while there is none."""
    try:
        found: dict[str, Any] = reader.Reader(spool).status().get("sensor", {})
    except schema.SpoolError:
        return {}
    return found


def test_what_is_counted_can_be_scraped(running: Path, port: int) -> None:
    """Losses, tier, lengths."""
    waiting.until(lambda: reported(running), "the monitor's first report")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    for line in (
        'podseal_monitor_lost_total{kind="ring_full"} 0.0',
        "podseal_monitor_tier{",
        'podseal_monitor_program_runs_total{kind="process_exec"}',
        "podseal_monitor_alert_seconds_count",
        'podseal_monitor_reloads_total{kind="failed"} 0.0',
        "podseal_monitor_rules_loaded_timestamp_seconds",
        "podseal_monitor_ring_highest_ratio",
        "podseal_monitor_roots_unconfirmed",
    ):
        assert line in text


def test_readers_of_the_spool_see_the_sensors_state(running: Path) -> None:
    """Tier and losses, without a request to the sensor: the feed has no other way to it."""
    waiting.until(lambda: reported(running), "the sensor's report")
    status = reported(running)
    assert status["tier"]
    assert status["lost"]["ring_full"] == 0
    assert status["rules"] > 0
    assert status["rules_stale"] == 0


def test_a_root_that_cannot_be_watched_is_told(caplog: pytest.LogCaptureFixture, monitor: Monitor) -> None:
    """The host's own, say: a snapshotter without an overlay. The rest goes on."""
    with sensor.Sensor.open(sensor.Settings(node="node-1", bpffs=monitor.folder / "bpf")) as opened:
        node.SensorSource(opened).watch(roots.Root(machine.host().root_device))
    assert "a container's root stays unwatched" in caplog.text
