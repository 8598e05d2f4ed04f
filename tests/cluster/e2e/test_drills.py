"""Podseal keeps working: each drill of tests/drills in a short form. `make drills` prints the long one."""

import pytest

from tests.cluster.e2e import installation
from tests.drills import drills

IDLE = (6.0,)
"""Longer than a server's usual patience with idle connections; around 90 s, the API server's own, in `make drills`."""


@pytest.mark.parametrize("name", drills.DRILLS)
def test_nothing_is_lost(podseal: installation.Installation, guarded: str, name: str) -> None:
    """No pod creation fails but those that the drill permits."""
    outcome = drills.DRILLS[name](drills.Stage(podseal, guarded, rounds=1, idle=IDLE))
    assert outcome.sent
    assert outcome.lost == ""
