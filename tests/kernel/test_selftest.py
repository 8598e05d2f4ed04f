"""The behaviours of the self-test with this kernel's own sensor: each must be seen."""

import dataclasses

import pytest

from runtime_monitor import events, ruling
from runtime_monitor.kernel import sensor
from runtime_monitor.selftest import behaviour, quiet, run, source
from tests.kernel import able

pytestmark = pytest.mark.kernel

BEHAVIOURS = behaviour.discover()
QUIET_SECONDS = 60.0
RULES = {
    "Container entered from its node",
    "File copied into a container",
    "File copied out of a container",
    "Interactive shell in a container",
    "Process started in a container from outside",
    "Program executed that was not in the image",
    "Root file system changed by the workload",
    "Root file system changed in a session",
    "Root file system changed through io_uring",
    "Shell without a terminal in a container",
    "Write to a read-only pod refused",
}
"""Of podseal's own rules those that need no API server, no program that the host may lack, and no container that ends
at once: it may be gone before its configuration is read."""


class Heard:
    """A source that remembers what came out of it."""

    def __init__(self, live: source.Live) -> None:
        self.events: list[events.Event] = []
        self._live = live

    def poll(self, timeout: float) -> list[events.Event]:
        """What has come."""
        came = self._live.poll(timeout)
        self.events += came
        return came


@dataclasses.dataclass(frozen=True)
class Played:
    """The table by behaviour, and the names of podseal's own rules that fired on what the pipeline told."""

    rows: dict[str, run.Row]
    rules: set[str]


@pytest.fixture(scope="module")
def played() -> Played:
    """All of it, once."""
    able.to_load_programs()
    settings = sensor.Settings(event_types=behaviour.event_types(BEHAVIOURS))
    with sensor.Sensor.open(settings) as opened, source.live(opened) as live:
        heard = Heard(live)
        rows = {row.behaviour: row for row in run.play(heard, BEHAVIOURS, run.Terms(opened.tier, patience=20.0))}
    own = ruling.own_rules()
    return Played(rows, {alert.rule for event in heard.events for alert in own.judge(event)})


@pytest.mark.parametrize("name", [each.name for each in BEHAVIOURS])
def test_it_is_seen(played: Played, name: str) -> None:
    """Or this machine cannot play it, and the row says why."""
    row = played.rows[name]
    assert row.seen is not False, row.detail
    assert row.seen or row.detail


def test_podseals_own_rules_speak(played: Played) -> None:
    """Behaviours are seen in order to be told: each of these rules has fired."""
    assert played.rules >= RULES


def test_the_quiet_is_kept() -> None:
    """A minute of what containers and hosts always do: not one event that is a verdict."""
    able.to_load_programs()
    with sensor.Sensor.open(sensor.Settings()) as opened, source.live(opened) as live:
        assert quiet.keep(live, QUIET_SECONDS) == []
