"""The guard in CEL: its form. What it decides is tried on a real API server, in tests/cluster/e2e/test_guard.py."""

from typing import Any

from webhook.policy import guard, guard_cel, labels

SPEC: dict[str, Any] = guard_cel.policy()["spec"]  # type: ignore[assignment]  # a tree of plain values
MOST_QUESTIONS = 2
"""What CEL's budget of an expression pays for."""


def test_every_right_has_its_expression() -> None:
    """One validation for each, which asks the authorizer for exactly that name, and tells it to the user."""
    assert len(SPEC["validations"]) == len(guard.rights())
    for right, validation in zip(guard.rights(), SPEC["validations"], strict=True):
        assert f".name('{right}').check('grant')" in validation["expression"]
        assert validation["expression"].count("authorizer") < MOST_QUESTIONS
        assert f"exemptions.podseal.dev/{right}" in validation["message"]


def test_all_three_resources_with_a_namespaces_metadata_are_guarded() -> None:
    """Status and finalize carry labels too."""
    (rule,) = SPEC["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["namespaces", "namespaces/status", "namespaces/finalize"]
    assert SPEC["failurePolicy"] == "Fail"


def test_every_label_occurs() -> None:
    """A label that no expression names would be free for everybody."""
    text = str(SPEC["validations"])
    for name in labels.ORDERED_VALUES:
        assert f"'{labels.PREFIX}{name}'" in text


def test_the_binding_denies_by_the_policys_name() -> None:
    """Binding and policy belong together."""
    spec: dict[str, Any] = guard_cel.binding("x")["spec"]  # type: ignore[assignment]  # a tree of plain values
    assert spec == {"policyName": "x", "validationActions": ["Deny"]}
    assert guard_cel.policy("x")["metadata"] == {"name": "x"}
