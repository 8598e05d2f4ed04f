"""HTTP: Falcosidekick's payload, and Slack's."""

import pytest

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import render
from runtime_monitor.feed.outputs import http
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.receiver import receiver

KEYS = {
    "hostname": str,
    "output": str,
    "output_fields": dict,
    "priority": str,
    "rule": str,
    "source": str,
    "tags": list,
    "time": str,
}
"""The members of types.FalcoPayload in falcosidekick that Falco fills, and what Go decodes them into."""


@pytest.mark.parametrize("alert", [generated.alert(1), *generated.hostile()], ids=lambda alert: alert.id)
def test_falcosidekicks_payload(alert: Alert) -> None:
    """Exactly Falco's keys; the id is a header, into which nothing breaks."""
    with receiver() as server:
        http.Settings(name="h", url=f"{server.url}/").open().send([alert])
        (request,) = server.requests
    assert {key: type(value) for key, value in request.json.items()} == KEYS
    assert request.json["priority"] in ("Critical", "Error", "Warning", "Notice", "Informational")
    assert "X-Injected" not in request.headers
    assert request.headers["Idempotency-Key"] == alert.id
    assert request.headers["Content-Type"] == "application/json"


def test_an_id_that_is_hostile_stays_one_header() -> None:
    """It is percent-encoded."""
    hostile = generated.hostile()[3]
    alert = Alert(
        **{name: getattr(hostile, name) for name in hostile.__struct_fields__} | {"id": "a\r\nX-Injected: yes"}
    )
    with receiver() as server:
        http.Settings(name="h", url=server.url).open().send([alert])
        (request,) = server.requests
    assert "X-Injected" not in request.headers
    assert request.headers["Idempotency-Key"] == "a%0D%0AX-Injected%3A%20yes"


@pytest.mark.parametrize("alert", [generated.alert(1), *generated.hostile()], ids=lambda alert: alert.id)
def test_slacks_payload(alert: Alert) -> None:
    """Text from a container is plain text: no mention, link or line break of its own."""
    with receiver() as server:
        http.Settings(name="h", url=f"{server.url}/services/x", format="slack").open().send([alert])
        (request,) = server.requests
    payload = request.json
    assert set(payload) == {"text", "attachments"}
    assert "<" not in payload["text"]
    told, fields = payload["attachments"][0]["blocks"]
    assert told["text"]["type"] == "plain_text"
    assert 0 < len(told["text"]["text"]) <= http.SLACK_TEXT
    assert all(each["type"] == "plain_text" and "\n" not in each["text"] for each in fields["fields"])
    assert len(fields["fields"]) <= 10


def test_slacks_control_characters_are_escaped() -> None:
    """A rule named by somebody else mentions nobody."""
    assert http.slack_escaped("<!channel> & >") == "&lt;!channel&gt; &amp; &gt;"


def test_lines_of_text_and_parts_of_json() -> None:
    """As Falco posts them without json_output, and with less in it."""
    alert = generated.alert(0)
    with receiver() as server:
        text = http.Settings(name="t", url=server.url, format="text").open()
        text.send([alert])
        text.close()
        less = http.Settings(name="j", url=server.url, format="json", line=render.Line(tags=False)).open()
        less.send([alert])
        less.close()
        first, second = server.requests
    assert (first.headers["Content-Type"], first.body.decode()) == ("text/plain; charset=utf-8", render.text(alert))
    assert second.headers["Content-Type"] == "application/json"
    assert second.json == {key: value for key, value in alert.as_falco().items() if key != "tags"}
