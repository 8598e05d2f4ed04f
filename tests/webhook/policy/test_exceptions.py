"""Namespace labels to policies: a table of labels and what holds, and that nothing unreadable loosens anything."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import controls, exceptions, labels, model

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "exceptions.yaml").read_text())
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DEFAULTS = model.Defaults()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_labels_become_the_policy_that_the_table_says(case: dict[str, Any]) -> None:
    """Each case names labels, and the parts of the policy and the problems that they lead to."""
    defaults = msgspec.convert(case.get("defaults", {}), model.Defaults)
    policy = exceptions.policy_for(
        case.get("namespace", "shop"), case.get("labels", {}), defaults, NOW, case.get("annotations", {})
    )
    seen = {
        "problems": list(policy.problems),
        "waivers": {waiver.control: waiver.until and waiver.until.isoformat() for waiver in policy.waivers},
    }
    for name in ("enforce", "warn", "audit"):
        level: model.Level = getattr(policy, name)
        seen[name] = f"{level.profile}@v{level.version}"
    for name in ("mutate", "exec", "connect"):
        seen[name] = getattr(policy, name)
    assert {key: seen[key] for key in {"problems": [], "waivers": {}} | case["expect"]} == {
        "problems": [],
        "waivers": {},
    } | case["expect"]


@given(st.dictionaries(st.sampled_from([*labels.ORDERED_VALUES, "exempt.privileged", "enforce-version"]), st.text()))
def test_a_label_that_cannot_be_read_changes_nothing(values: dict[str, str]) -> None:
    """With arbitrary values, the policy is the default's but for those labels that hold a legal value."""
    policy = exceptions.policy_for("shop", {labels.PREFIX + key: value for key, value in values.items()}, DEFAULTS, NOW)
    for name, order in labels.ORDERED_VALUES.items():
        if values.get(name) not in order:
            assert getattr(policy, name) == getattr(DEFAULTS, name)
    assert not policy.waivers


@given(
    st.dictionaries(st.sampled_from(list(labels.ORDERED_VALUES)), st.sampled_from(labels.PROFILES + labels.GATES)),
    st.sampled_from(sorted(controls.CONTROLS)),
)
def test_a_floor_holds_whatever_the_labels_say(values: dict[str, str], control: str) -> None:
    """No combination of labels ends below a floor, and none exempts from what a floor enforces."""
    floor = model.Floor(("prod-*",), enforce="baseline", warn="strict", mutate="known", exec="deny")
    said = {labels.PREFIX + key: value for key, value in values.items()}
    said[f"{labels.PREFIX}exempt.{control}"] = "2026-12-31"
    policy = exceptions.policy_for("prod-1", said, model.Defaults(floors=(floor,)), NOW)
    assert labels.PROFILES.index(policy.enforce.profile) >= labels.PROFILES.index("baseline")
    assert policy.warn.profile == "strict"
    assert policy.exec == "deny"
    assert policy.mutate != "off"
    assert not set(controls.rules(model.Level("baseline"))) & {waiver.control for waiver in policy.waivers}
