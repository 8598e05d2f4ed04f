"""Versions that files require; refusals are in cases/, with test_ruleset."""

import pytest

from runtime_monitor.rules import requirements
from runtime_monitor.rules.items import Requirement
from runtime_monitor.rules.problems import Place, RuleError

HERE = Place("f")


@pytest.mark.parametrize("version", ["0", "57", "0.57.0", "0.31.0", "v0.1.0-rc1"])
def test_engines_up_to_ours_are_met(version: str) -> None:
    """An integer N is 0.N.0."""
    requirements.check(Requirement(HERE, engine=version))


@pytest.mark.parametrize("version", ["58", "0.57.1", "1.0.0", "0.57", "", "9" * 5000, "²"])
def test_other_engines_are_refused(version: str) -> None:
    """Newer ones, and what is no version."""
    with pytest.raises(RuleError):
        requirements.check(Requirement(HERE, engine=version or " "))


def test_one_alternative_is_enough() -> None:
    """The others need not be there."""
    requirements.check(Requirement(HERE, plugins=(("k8smeta", "0.1.0"), ("container", "0.4.0"))))
    with pytest.raises(RuleError, match=r"k8smeta 0\.1\.0; built in is container"):
        requirements.check(Requirement(HERE, plugins=(("k8smeta", "0.1.0"),)))
