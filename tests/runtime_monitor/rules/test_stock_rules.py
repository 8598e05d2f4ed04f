"""Falco's stock rules, byte for byte: they load, and each of them fires.

tests/kernel/test_stock_rules.py has the same of real programs.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime_monitor.rules import engine, event_types, program, ruleset
from tests import stock_rules
from tests.runtime_monitor.rules import given

TRIGGERS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "stock_triggers.yaml").read_text())

pytestmark = stock_rules.needed


@pytest.fixture(scope="module")
def stock() -> ruleset.RuleSet:
    """The stock rules, loaded."""
    return ruleset.load([ruleset.Source(stock_rules.PATH.name, stock_rules.PATH.read_text())])


@pytest.fixture(scope="module")
def running(stock: ruleset.RuleSet) -> engine.Engine:
    """An engine that asks every rule, so that none hides another."""
    return engine.Engine(program.build(stock, first=False))


def test_they_load_unchanged(stock: ruleset.RuleSet) -> None:
    """25 rules, no error, no warning."""
    assert not stock.problems
    assert len(stock.rules) == 25


def test_no_rule_sees_every_event_type(stock: ruleset.RuleSet) -> None:
    """Together they need these."""
    needed = frozenset().union(*(event_types.possible(rule.condition) for rule in stock.rules))
    assert sorted(needed) == [
        *("connect", "dup", "dup2", "dup3", "execve", "execveat", "finit_module", "init_module", "link", "linkat"),
        *("open", "openat", "openat2", "ptrace", "sendmsg", "sendto", "socket", "symlink", "symlinkat"),
    ]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger["rule"])
def test_each_rule_fires_on_its_event_and_is_silent_on_a_near_miss(
    trigger: dict[str, Any], running: engine.Engine
) -> None:
    """The near miss differs in the attributes of `quiet` alone."""
    fired = [alert.rule for alert in running.judge(given.recorded(trigger["event"]))]
    assert trigger["rule"] in fired
    for quiet in trigger["quiet"]:
        near = {name: value for name, value in (trigger["event"] | quiet).items() if value is not None}
        assert trigger["rule"] not in [alert.rule for alert in running.judge(given.recorded(near))], quiet


def test_every_rule_has_a_trigger(stock: ruleset.RuleSet) -> None:
    """The table and the file name the same rules."""
    assert sorted(trigger["rule"] for trigger in TRIGGERS) == sorted(rule.name for rule in stock.rules)
