"""append_output, static_fields, rules."""

import pytest

from runtime_monitor.falco_yaml import additions
from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import FalcoYamlError, parse
from runtime_monitor.rules.additions import SUGGESTED, Addition
from runtime_monitor.rules.problems import Problem
from runtime_monitor.rules.selection import Selection


def root(text: str, warnings: list[Problem] | None = None) -> Section:
    """A falco.yaml."""
    return Section(parse(text, "falco.yaml"), "", [] if warnings is None else warnings)


def test_what_is_appended() -> None:
    """In its order; fields as they are, or texts with fields."""
    text = """
append_output:
  - suggested_output: true
  - match: {source: syscall, rule: Terminal shell in container, tags: [container, shell]}
    extra_output: "on CPU %evt.cpu"
    extra_fields:
      - evt.hostname
      - where: "%k8s.ns.name/%k8s.pod.name"
static_fields: {cluster: "100%"}
"""
    assert additions.appended(root(text)) == (
        SUGGESTED,
        Addition(
            source="syscall",
            tags=frozenset({"container", "shell"}),
            rule="Terminal shell in container",
            output="on CPU %evt.cpu",
            fields=(("evt.hostname", None), ("where", "%k8s.ns.name/%k8s.pod.name")),
        ),
        Addition(fields=(("cluster", "100%%"),)),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", (SUGGESTED,)), ("append_output: []", ()), ("append_output: [{suggested_output: false}]", (Addition(),))],
)
def test_without_a_word_the_suggested_fields_are_appended(text: str, expected: tuple[Addition, ...]) -> None:
    """And not where the key is there and does not say so."""
    assert additions.appended(root(text)) == expected


def test_an_unknown_key_of_an_entry_is_warned_of() -> None:
    """In the match too."""
    warnings: list[Problem] = []
    additions.appended(root("append_output: [{match: {namespace: x}, format: y}]", warnings))
    assert [each.message.partition(" is")[0] for each in warnings] == [
        "append_output[0].match.namespace",
        "append_output[0].format",
    ]


def test_rules_are_selected() -> None:
    """In their order."""
    text = 'rules: [{disable: {rule: "*"}}, {enable: {tag: shell}}, {enable: {rule: "Read * file*"}}]'
    assert additions.selected(root(text)) == (
        Selection(enable=False, rule="*"),
        Selection(enable=True, tag="shell"),
        Selection(enable=True, rule="Read * file*"),
    )


WRONG = (
    ("append_output: x", "append_output[0]: expected a mapping"),
    ("append_output: [{extra_output: '%nonsense'}]", "append_output[0].extra_output: invalid formatting token"),
    ("append_output: [{extra_output: '%proc.nmae'}]", "nonexistent field proc.nmae"),
    ("append_output: [{extra_fields: [proc.nmae]}]", "append_output[0].extra_fields: nonexistent field proc.nmae"),
    ("append_output: [{extra_fields: [{a: '%x'}]}]", "append_output[0].extra_fields: invalid formatting token"),
    ("append_output: [{extra_fields: [{a: [x]}]}]", "append_output[0].extra_fields: a: expected a text"),
    ("append_output: [{extra_fields: [[x]]}]", "append_output[0].extra_fields: expected names of fields"),
    ("static_fields: [a]", "static_fields: expected a mapping"),
    ("rules: [{enable: {rule: a}, disable: {rule: b}}]", "rules: each item is `enable:` or `disable:`"),
    ("rules: [x]", "rules[0]: expected a mapping"),
    ("rules: [{enable: {}}]", "rules[0].enable: give `rule`"),
    ("rules: [{enable: {rule: a, tag: b}}]", "rules[0].enable: give `rule`"),
    (f"rules: [{{enable: {{rule: {'a' * 1001}}}}}]", "a name of 1001 characters"),
)


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[text[:60] for text, _ in WRONG])
def test_what_cannot_be_appended_or_selected_is_refused(text: str, reason: str) -> None:
    """With the number of the entry."""
    read = additions.selected if text.startswith("rules") else additions.appended
    with pytest.raises(FalcoYamlError, match=r"^falco\.yaml:1:") as caught:
        read(root(text))
    assert reason in str(caught.value)
