"""The values between the stages: what they say of themselves."""

import pytest

from webhook.policy import model

FINDING = model.Finding(
    control="privileged",
    modes=("deny", "warn"),
    kind="Pod",
    namespace="shop",
    name="web",
    container="app",
    path="spec.containers[0].securityContext.privileged",
    seen="true",
    allowed="false or unset",
    fix="remove privileged",
)


def verdict(kind: str, *findings: model.Finding) -> model.Verdict:
    """A verdict on an object of a kind."""
    return model.Verdict(model.Subject(kind), findings=findings)


def test_a_message_says_where_what_allowed_and_fix() -> None:
    """The whole sentence, as people read it."""
    assert FINDING.message == (
        "Pod/shop/web, container app: spec.containers[0].securityContext.privileged is true. "
        "Allowed: false or unset. Fix: remove privileged"
    )
    assert FINDING.mode == "deny"


@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "PodTemplate"])
def test_templates_are_never_denied(kind: str) -> None:
    """Their pods are."""
    assert not verdict(kind, FINDING).denied
    assert verdict("Pod", FINDING).denied == (FINDING,)


def test_what_the_mutation_repairs_does_not_remain_but_still_denies() -> None:
    """/validate judges what it received; `check` judges what will run."""
    repaired = model.Finding(**{name: getattr(FINDING, name) for name in FINDING.__struct_fields__} | {"fixed": True})
    assert verdict("Pod", repaired).denied == (repaired,)
    assert not verdict("Pod", repaired).remaining
