"""Server-sent events: what one is made of. How they are served: test_server."""

import json

import pytest

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.http.stream import Frame
from tests.runtime_monitor import generated


@pytest.mark.parametrize("alert", [generated.alert(0), *generated.hostile()], ids=lambda alert: alert.id)
def test_an_event_is_four_lines(alert: Alert) -> None:
    """Whatever the alert holds: no text of it begins another event."""
    number, event, data, end, rest = Frame(7, alert).data.decode().split("\n")
    assert (number, event, end, rest) == ("id: 7", "event: alert", "", "")
    assert json.loads(data.removeprefix("data: "))["rule"] == alert.rule
    assert len(data.splitlines()) == 1
