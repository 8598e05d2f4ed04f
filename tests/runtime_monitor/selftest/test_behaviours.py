"""Every behaviour does what it says: without a sensor it is played to its end, and only the events are missing."""

import pytest

from runtime_monitor.selftest import behaviour, run
from tests.kernel import able
from tests.runtime_monitor.selftest import double

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("played", behaviour.discover(), ids=lambda each: each.name)
def test_it_is_played(played: behaviour.Behaviour) -> None:
    """To the end, or the machine's lack is named."""
    able.to_make_containers()
    (row,) = run.play(double.Double(), [played], run.Terms("double", patience=0))
    assert row.seen is None or row.detail == "no event came"
