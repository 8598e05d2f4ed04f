"""The behaviours of the self-test with this kernel's own sensor: each must be seen."""

import pytest

from runtime_monitor.kernel import sensor
from runtime_monitor.selftest import behaviour, quiet, run, source
from tests.kernel import able

pytestmark = pytest.mark.kernel

BEHAVIOURS = behaviour.discover()
QUIET_SECONDS = 60.0


@pytest.fixture(scope="module")
def rows() -> dict[str, run.Row]:
    """The table, played once."""
    able.to_load_programs()
    with sensor.Sensor.open(sensor.Settings()) as opened, source.live(opened) as live:
        terms = run.Terms(opened.tier, patience=20.0)
        return {row.behaviour: row for row in run.play(live, BEHAVIOURS, terms)}


@pytest.mark.parametrize("name", [each.name for each in BEHAVIOURS])
def test_it_is_seen(rows: dict[str, run.Row], name: str) -> None:
    """Or this machine cannot play it, and the row says why."""
    row = rows[name]
    assert row.seen is not False, row.detail
    assert row.seen or row.detail


def test_the_quiet_is_kept() -> None:
    """A minute of what containers and hosts always do: not one event that is a verdict."""
    able.to_load_programs()
    with sensor.Sensor.open(sensor.Settings()) as opened, source.live(opened) as live:
        assert quiet.keep(live, QUIET_SECONDS) == []
