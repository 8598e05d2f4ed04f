"""The table of labels: order of the values, what is known, what is near."""

import pytest

from webhook.policy import controls, labels, model


def test_profiles_are_ordered_as_controls_rank_them() -> None:
    """The order of the label's values is the order in which rules replace each other."""
    assert [controls.RANK[profile] for profile in labels.PROFILES] == sorted(controls.RANK.values())


@pytest.mark.parametrize("name", labels.ORDERED_VALUES)
def test_the_default_is_one_of_the_values(name: str) -> None:
    """A default outside its label's values could never be said by the label."""
    default = getattr(model.Defaults(), name)
    assert (default.profile if isinstance(default, model.Level) else default) in labels.ORDERED_VALUES[name]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("enforce", True),
        ("enforce-version", True),
        ("mutate-version", False),
        ("exempt.privileged", True),
        ("exempt.nothing", True),
        ("exempt", False),
        ("", False),
    ],
)
def test_known_labels(name: str, *, known: bool) -> None:
    """Whether the control of a waiver exists is the waiver's matter."""
    assert labels.is_known(name) is known


def test_an_unknown_label_is_told_with_the_nearest() -> None:
    """A slip is named; what is far from all is not guessed at."""
    assert "did you mean podseal.dev/mutate?" in labels.unknown("mutat")
    assert "did you mean" not in labels.unknown("zzzzzz")
