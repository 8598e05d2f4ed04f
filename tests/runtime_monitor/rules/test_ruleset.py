"""Whole files: cases/<reason>.yaml is loaded, and what comes of it is compared with cases/<reason>.txt."""

import os
from pathlib import Path

import pytest

from runtime_monitor.alerts import Priority
from runtime_monitor.rules import resolve, ruleset
from tests.runtime_monitor.rules import given

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def _shown(found: ruleset.RuleSet) -> str:
    lines = [str(problem) for problem in found.problems]
    for rule in found.rules:
        lines.append(f"rule {rule.name} ({rule.priority.label}; {', '.join(rule.tags)})")
        lines += [f"  desc: {rule.desc}", f"  condition: {resolve.render(rule.condition)}"]
        lines.append(f"  output: {rule.output.text}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_file_loads_as_pinned(path: Path) -> None:
    """Each `--- # file` begins another file, in order."""
    sources = [
        ruleset.Source(f"{number}.yaml", text)
        for number, text in enumerate(path.read_text().split("--- # file\n"), start=1)
    ]
    shown = _shown(ruleset.load(sources, ruleset.Options(additions=())))
    golden = path.with_suffix(".txt")
    if os.environ.get("PODSEAL_REWRITE"):
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_rules_below_the_priority_are_left_out() -> None:
    """Severity counts, not the number."""
    text = given.rule("a", "evt.type = open") + given.rule("b", "evt.type = open").replace("WARNING", "INFO")
    assert [rule.name for rule in given.loaded(text, priority=Priority.WARNING).rules] == ["a"]


def test_a_field_that_the_sensor_cannot_fill_is_refused_by_name() -> None:
    """Never silently false; `skip-if-unknown-filter` makes it a warning and leaves the rule out."""
    rule = given.rule("a", "evt.type = connect and fd.sip.name = x")
    fillable = frozenset({"evt.type", "container.id"})
    (problem,) = given.loaded(rule, fillable=fillable).errors
    assert "field fd.sip.name exists, but this sensor cannot fill it (fd.lip.name, fd.rip.name)" in problem.message
    text = rule + "  skip-if-unknown-filter: true\n" + given.rule("b", "evt.type = open")
    skipped = given.loaded(text, fillable=fillable)
    assert [problem.code for problem in skipped.problems] == ["LOAD_UNKNOWN_FILTER"]
    assert [rule.name for rule in skipped.rules] == ["b"]


def test_what_the_sensor_cannot_tell_leaves_out_a_rule_with_a_warning_when_lenient() -> None:
    """A field or an event type; the others stay. In an output such a field is no matter."""
    text = (
        given.rule("field", "evt.type = open and fd.sip.name = x")
        + given.rule("type", "evt.type = connect")
        + given.rule("stays", "evt.type in (open, connect)", output="'%fd.sip.name'")
    )
    sensor = {"fillable": frozenset({"evt.type"}), "delivered": frozenset({"open"})}
    found = given.loaded(text, **sensor, lenient=True)
    assert [(each.severity, each.item) for each in found.problems] == [
        ("warning", "rule 'field'"),
        ("warning", "rule 'type'"),
    ]
    assert [rule.name for rule in found.rules] == ["stays"]
    strict = given.loaded(text, **sensor)
    assert [problem.item for problem in strict.errors] == ["rule 'field'", "rule 'type'"]
    assert "needs connect, of which this sensor tells nothing" in strict.errors[1].message


def test_a_field_that_the_rule_s_events_cannot_have_is_told() -> None:
    """Some other event has it, so that the sensor fills it; without a sensor nothing is said."""
    text = given.rule("a", "evt.type = write and evt.buffer contains x") + given.rule("b", "evt.buffer contains x")
    sensor = {"fillable": frozenset({"evt.type", "evt.buffer"})}
    (told,) = given.loaded(text, **sensor).errors
    assert (told.item, "cannot fill it with write" in told.message) == ("rule 'a'", True)
    assert not given.loaded(text).errors


def test_a_name_that_is_no_service_s_is_told() -> None:
    """Nobody is asked what other hosts are called."""
    text = given.rule("a", "fd.sip.name in (pool.example, other.example)") + given.rule(
        "b", "fd.sip.name in (kubernetes.default.svc.cluster.local, pool.example)"
    )
    sensor = {"fillable": frozenset({"fd.sip.name"})}
    (told,) = given.loaded(text, **sensor).errors
    assert (told.item, "cannot fill it with pool.example" in told.message) == ("rule 'a'", True)


def test_the_hash_is_the_name_s() -> None:
    """So that a changed rule keeps the ids of its alerts."""
    one, two = (given.loaded(given.rule("a", f"evt.type = {kind}")).rules[0] for kind in ("open", "execve"))
    assert one.hash == two.hash == "ca978112"


def test_a_file_of_a_mebibyte_with_a_single_condition_is_loaded() -> None:
    """Within the bound of the parser."""
    condition = " or ".join(["fd.name = /a/b"] * 50_000)
    found = given.loaded(given.rule("a", f"evt.type = open and ({condition})"))
    assert not found.problems
