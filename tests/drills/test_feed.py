"""The drills of the feed in their short form; `make drills` has the long one."""

import pathlib

import pytest

from tests.drills import feed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", feed.DRILLS)
def test_nothing_is_lost(tmp_path: pathlib.Path, name: str) -> None:
    """Nor forged, nor out of order; twice only where a process was killed or an answer did not come."""
    outcome = feed.DRILLS[name](feed.Stage(tmp_path, outage=2.0, kills=4))
    assert outcome.lost == 0
    assert outcome.fault == ""
    assert outcome.made > 0


def test_a_loss_is_seen() -> None:
    """A drill can fail."""
    assert feed.compared(["a", "b", "c"], ["a", "c"]).lost == 1
    assert feed.compared(["a", "b"], ["b", "a"]).fault == "they came in another order"
    assert feed.compared(["a"], ["a", "x"]).fault == "1 arrived that nobody made"
    assert feed.compared(["a", "b"], ["a", "a", "b"]).duplicated == 1
