"""Server-sent events: what one is made of. How they are served: test_server."""

import asyncio
import json
import pathlib

import pytest

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.http.app import Store
from runtime_monitor.feed.http.stream import Frame, Streams
from runtime_monitor.feed.metrics import Metrics
from runtime_monitor.feed.watch import Watch
from tests.runtime_monitor import generated


@pytest.mark.parametrize("alert", [generated.alert(0), *generated.hostile()], ids=lambda alert: alert.id)
def test_an_event_is_four_lines(alert: Alert) -> None:
    """Whatever the alert holds: no text of it begins another event."""
    number, event, data, end, rest = Frame(7, alert).data.decode().split("\n")
    assert (number, event, end, rest) == ("id: 7", "event: alert", "", "")
    assert json.loads(data.removeprefix("data: "))["rule"] == alert.rule
    assert len(data.splitlines()) == 1


class Origin:
    """A stream whose copy is still empty."""

    error = ""

    def unready(self) -> str:
        """It is."""
        return ""

    def newest(self) -> int:
        """As another replica may have seen it."""
        return 100


RESUMED: dict[str, tuple[Origin | None, int | None, int]] = {
    "of another spool": (None, 50, 0),
    "of another replica, ahead of this one": (Origin(), 50, 50),
    "of another stream": (Origin(), 101, 0),
    "of nobody": (Origin(), None, 0),
}


@pytest.mark.parametrize(("origin", "last", "begin"), RESUMED.values(), ids=RESUMED)
def test_where_a_client_goes_on(tmp_path: pathlib.Path, origin: Origin | None, last: int | None, begin: int) -> None:
    """Behind what it had, be it further than this replica has come; from now on where its number means nothing here."""
    store = Store(tmp_path / "spool.db", Watch(tmp_path / "spool.db"), Metrics(), origin)
    assert asyncio.run(Streams(store, 1)._begin(last)) == begin
