"""The feed's answers, each against its schema in the OpenAPI document."""

import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import openapi_spec_validator
import pytest
from flask.testing import FlaskClient

from runtime_monitor.feed.http import app
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.watch import Watch
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import generated

DOCUMENT: dict[str, Any] = json.loads((app.HERE / "openapi.json").read_text())
ALERTS = [*generated.stream(60), *generated.hostile()]


@pytest.fixture
def client(tmp_path: pathlib.Path) -> Iterator[FlaskClient]:
    """A client of an application over a spool with 70 alerts."""
    writer = Writer(tmp_path / "spool.db")
    writer.report("sensor", {"tier": "tracepoints", "rules": 31})
    now = msgspec.structs.replace(generated.alert(900), time=time.time_ns())
    writer.append([*ALERTS, now])
    watch = Watch(tmp_path / "spool.db")
    watch.start()
    waiting.until(lambda: watch.last > 0, "the watch to look")
    yield app.build(app.Store(tmp_path / "spool.db", watch, Metrics())).test_client()
    watch.stop()
    writer.close()


def checked(client: FlaskClient, path: str, described: str = "", status: int = 200) -> Any:  # noqa: ANN401 -- any answer
    """An answer that fits the document."""
    answer = client.get(path)
    assert answer.status_code == status, answer.data
    operation = DOCUMENT["paths"][described or path.partition("?")[0]]["get"]
    response = operation["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    ((kind, content),) = response["content"].items()
    assert answer.content_type.startswith(kind)
    if kind != "application/json":
        return answer.text
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json)
    return answer.json


def test_the_document_is_openapi() -> None:
    """Valid by the published schema."""
    openapi_spec_validator.validate(DOCUMENT)


def test_every_route_is_described(client: FlaskClient) -> None:
    """But the page and its files; the stream is served beside Flask."""
    rules = {rule.rule.replace("<path:identifier>", "{id}") for rule in client.application.url_map.iter_rules()}
    assert set(DOCUMENT["paths"]) == rules - {"/", "/static/<path:filename>"} | {"/alerts/stream"}


@pytest.mark.parametrize(
    "path", ["/alerts/minutes?count=3", "/sessions", "/status", "/metrics", "/healthz", "/readyz", "/openapi.json"]
)
def test_answers_fit_the_document(client: FlaskClient, path: str) -> None:
    """Each of them."""
    assert checked(client, path)


def test_alerts_page_by_page(client: FlaskClient) -> None:
    """Everything once, the newest first; drift has a remedy."""
    found = []
    path = "/alerts?limit=13"
    while True:
        page = checked(client, path)
        found += page["alerts"]
        if page["next"] is None:
            break
        path = f"/alerts?limit=13&cursor={page['next']}"
    ids = [each["alert"]["output_fields"]["podseal.alert_id"] for each in found]
    assert ids[1:] == [alert.id for alert in reversed(ALERTS)]
    assert any(each["remedy"] for each in found)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("priority=grave", "priority: 'grave' is no priority"),
        ("limit=-1", "limit: '-1' is no number"),
        ("cursor=x", "cursor: 'x' is no number"),
        ("since=yesterday", "since: 'yesterday' is no time"),
        (f"rule={'x' * 600}", "rule: longer than 500"),
        ("cursor=99999999999999999999", "is no number"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, told: str) -> None:
    """With 400."""
    assert told in checked(client, f"/alerts?{query}", status=400)["error"]


def test_a_session_is_told(client: FlaskClient) -> None:
    """Its id has slashes; one that nobody had is not there."""
    session = ALERTS[30].output_fields["exec.session"]
    story = checked(client, f"/sessions/{session}", "/sessions/{id}")
    assert story["session"] == session
    assert len(story["timeline"]) == 12
    assert "no alert" in checked(client, "/sessions/none/of/them", "/sessions/{id}", 404)["error"]


def test_minutes_count_what_happens_now(client: FlaskClient) -> None:
    """The alert of this minute is in it, or in the one before where the minute has just ended."""
    minutes = checked(client, "/alerts/minutes?count=2")["minutes"]
    assert sum(sum(each["counts"].values()) for each in minutes) == 1


def test_the_sensors_state(client: FlaskClient) -> None:
    """As it reported it."""
    assert checked(client, "/status")["sensor"] == {"sensor": {"tier": "tracepoints", "rules": 31}}


def test_what_is_not_there_and_what_is_not_read(client: FlaskClient) -> None:
    """JSON as well."""
    assert client.get("/nothing").json == {"error": "there is nothing here"}
    assert client.post("/alerts").status_code == 405
    assert client.get("/static/../app.py").status_code == 404


def test_without_a_spool_it_says_so(tmp_path: pathlib.Path) -> None:
    """The feed may start before the sensor."""
    watch = Watch(tmp_path / "spool.db")
    watch.start()
    waiting.until(lambda: "sensor" in watch.error, "the watch to look")
    client = app.build(app.Store(tmp_path / "spool.db", watch, Metrics())).test_client()
    assert "does the sensor run" in checked(client, "/alerts", status=503)["error"]
    assert "does the sensor run" in checked(client, "/healthz")["spool"]
    assert "does the sensor run" in checked(client, "/readyz", status=503)["spool"]
    assert "podseal_feed_spool_up 0.0" in checked(client, "/metrics")
    watch.stop()
