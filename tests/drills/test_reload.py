"""The drills of reloads in their short form, with events that a slow machine keeps up with; `make drills` has more."""

import pathlib

import pytest

from tests.drills import reload, storm
from tests.kernel import able

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("name", reload.DRILLS)
def test_every_event_is_judged_once(tmp_path: pathlib.Path, name: str) -> None:
    """By one set of rules; what the ring could not take is counted."""
    able.to_load_programs()
    outcome = reload.DRILLS[name](reload.Stage(tmp_path, reloads=3, rate=2000))
    assert outcome.missed == 0
    assert outcome.fault == ""
    assert outcome.old > 0


def _marks(tmp_path: pathlib.Path, **told: dict[int, list[int]]) -> storm.Marks:
    found = storm.Marks(tmp_path / "none")
    found.told |= {storm.RENAMES: told.get("renames", {}), storm.LISTENS: told.get("listens", {})}
    return found


def test_a_fault_is_seen(tmp_path: pathlib.Path) -> None:
    """A drill can fail."""
    marks = _marks(tmp_path, renames={1: [0], 3: [1], 4: [1]}, listens={4: [1]})
    assert reload.missed(marks, 5) == 2 + 2  # two renames; after the third an open and a listen
    assert reload.disorder(_marks(tmp_path, renames={1: [0, 1]})) == "1 marks were told twice"
    assert reload.disorder(_marks(tmp_path, renames={1: [1], 2: [0]})) == "rules that were replaced judged again"
    assert reload.disorder(_marks(tmp_path, listens={1: [2]})) == "the old set told what it has no rule for"
    assert reload.Outcome(1, 1, 0, lost=1, missed=0).bad
    assert not reload.Outcome(1, 1, 0, lost=1, missed=0, permitted=True).bad
