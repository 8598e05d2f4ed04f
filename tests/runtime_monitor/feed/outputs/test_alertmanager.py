"""Alertmanager, with Debian's as the receiver."""

import json
import pathlib
from collections.abc import Iterator

import pytest
import urllib3

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.outputs import alertmanager
from tests.runtime_monitor import generated, parts
from tests.runtime_monitor.feed.receiver import receiver

ALERTS = list(generated.stream(20))


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[str]:
    """The URL of a running Alertmanager."""
    parts.require(parts.ALERTMANAGER)
    with parts.alertmanager(tmp_path) as url:
        yield url


@pytest.mark.packages
def test_a_real_alertmanager_takes_every_alert(server: str) -> None:
    """Sent twice it is one; hostile values stay values."""
    alerts = [*ALERTS, *generated.hostile()]
    made = alertmanager.Settings(name="a", url=server, labels={"cluster": "c1"}).open()
    for _ in range(2):
        made.send(alerts)
    made.close()
    answer = urllib3.request("GET", f"{server}/api/v2/alerts", retries=False)
    found = json.loads(answer.data)
    expected = {json.dumps(each["labels"], sort_keys=True) for each in posted(alerts)}
    assert {json.dumps(each["labels"], sort_keys=True) for each in found} == expected
    assert all(each["status"]["state"] == "active" for each in found)


def posted(alerts: list[Alert]) -> list[dict[str, dict[str, str]]]:
    """What the output makes of alerts."""
    return [alertmanager.posted(alert, {"cluster": "c1"}, alert.time) for alert in alerts]


def test_labels_say_what_and_where() -> None:
    """Few values each; ours cannot be overruled by the configuration's."""
    found = alertmanager.posted(ALERTS[0], {"alertname": "x", "team": "t"}, ALERTS[0].time + 5_000_000_000)
    assert found["labels"]["alertname"] == ALERTS[0].rule
    assert found["labels"]["team"] == "t"
    assert set(found["labels"]) == {
        "alertname", "severity", "node", "source", "namespace", "pod", "container", "user", "session", "team"
    }  # fmt: skip
    assert found["startsAt"] == "2025-11-26T05:10:10.000000000Z"
    assert found["endsAt"] == "2025-11-26T05:10:15.000000000Z"


def test_an_alert_that_comes_late_is_not_resolved_already() -> None:
    """Its end counts from the sending."""
    now = ALERTS[0].time + 3600 * 10**9
    with receiver() as server:
        settings = alertmanager.Settings(name="a", url=f"{server.url}/", expires_seconds=60)
        alertmanager.Alertmanager(settings, clock=lambda: now).send(ALERTS[:1])
        (request,) = server.requests
    assert request.path == "/api/v2/alerts"
    assert request.json[0]["endsAt"] == "2025-11-26T06:11:10.000000000Z"
