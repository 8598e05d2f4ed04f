"""Who may change a namespace's labels: the table that the ValidatingAdmissionPolicy is tested with, too."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import guard, labels

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "guard.yaml").read_text())
EXEMPT = f"{labels.PREFIX}exempt.privileged"


def keys(side: dict[str, dict[str, str]] | None) -> guard.NamespaceKeys:
    """One side of a case, with the prefix put before each key."""
    prefixed = {
        part: {labels.PREFIX + key: value for key, value in each.items()} for part, each in (side or {}).items()
    }
    return guard.NamespaceKeys(prefixed.get("labels", {}), prefixed.get("annotations", {}))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_change_needs_exactly_these_rights(case: dict[str, Any]) -> None:
    """Each case is a change and the rights that it needs."""
    assert sorted(guard.guard(keys(case.get("before")), keys(case["after"]))) == case["needs"]


@given(st.dates(), st.dates())
def test_a_waiver_never_grows_for_free(before: date, after: date) -> None:
    """For any two dates, the change is free exactly where the later one is not later."""
    change = guard.guard(
        guard.NamespaceKeys({EXEMPT: before.isoformat()}), guard.NamespaceKeys({EXEMPT: after.isoformat()})
    )
    assert bool(change) == (after > before)


@given(st.text(), st.text())
def test_labels_of_others_are_free(key: str, value: str) -> None:
    """A key without our prefix needs nothing, whatever it is."""
    if not key.startswith(labels.PREFIX):
        assert not guard.guard(guard.NamespaceKeys(), guard.NamespaceKeys({key: value}, {key: value}))


@given(st.text())
def test_every_key_has_a_right_of_the_closed_set(name: str) -> None:
    """Whatever the key is called, the chart ships an Exemption of the name that it needs."""
    assert guard.right(labels.PREFIX + name) in guard.rights()
