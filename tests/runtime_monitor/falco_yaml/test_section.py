"""Keys with their types."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import FalcoYamlError, parse
from runtime_monitor.rules.problems import Problem


def made(text: str) -> Section:
    """The root of a file, whose warnings are its own."""
    return Section(parse(text, "falco.yaml"), "", [])


READ: tuple[tuple[str, Callable[[Section], Any], Any], ...] = (
    ("a: yes", lambda root: root.boolean("a"), True),
    ("a: Off", lambda root: root.boolean("a", default=True), False),
    ("a:", lambda root: root.boolean("a", default=True), True),
    ("a: null", lambda root: root.boolean("a"), False),
    ("a: 010", lambda root: root.number("a", 1, 100), 10),
    ("b: 1", lambda root: root.number("a", 7, 100), 7),
    ("a: NOTICE", lambda root: root.choice("a", ("debug", "notice"), "debug"), "notice"),
    ("a: x", lambda root: root.texts("a"), ("x",)),
    ("a: [x, y]", lambda root: root.texts("a"), ("x", "y")),
    ("a: []", lambda root: root.texts("a"), ()),
    ("b: 1", lambda root: root.texts("a"), ()),
    ("a: {b: c}", lambda root: root.section("a").text("b"), "c"),
    ("b: 1", lambda root: root.section("a").text("b", "d"), "d"),
    ("a: [{b: c}, {b: d}]", lambda root: [each.text("b") for each in root.sections("a")], ["c", "d"]),
    ("a: {x: 1, y: z}", lambda root: root.mapping("a"), {"x": "1", "y": "z"}),
)


@pytest.mark.parametrize(("text", "read", "expected"), READ, ids=[text for text, _, _ in READ])
def test_a_value_is_read(text: str, read: Callable[[Section], Any], expected: Any) -> None:  # noqa: ANN401 -- any type
    """As its type says; what is not there has its default."""
    assert read(made(text)) == expected


WRONG: tuple[tuple[str, Callable[[Section], Any], str], ...] = (
    ("a: maybe", lambda root: root.boolean("a"), "falco.yaml:1:4: a: 'maybe': expected true or false"),
    ("a: [x]", lambda root: root.boolean("a"), "a: expected a text"),
    ("a: -1", lambda root: root.number("a", 0, 10), "a: '-1': expected a number from 0 to 10"),
    ("a: 11", lambda root: root.number("a", 0, 10), "expected a number from 0 to 10"),
    ("a: ²", lambda root: root.number("a", 0, 10), "expected a number"),
    (f"a: {'9' * 5000}", lambda root: root.number("a", 0, 10), "expected a number"),
    ("a: loud", lambda root: root.choice("a", ("b", "c"), "b"), "a: 'loud': expected one of b, c"),
    ("a: [[x]]", lambda root: root.texts("a"), "a: expected a list of texts"),
    ("a: {b: c}", lambda root: root.texts("a"), "a: expected a list of texts"),
    ("a: {b: [1]}", lambda root: root.section("a").text("b"), "falco.yaml:1:8: a.b: expected a text"),
    ("a: x", lambda root: root.section("a"), "a: expected a mapping of keys"),
    ("a: [x]", lambda root: list(root.sections("a")), "a[0]: expected a mapping of keys"),
)


@pytest.mark.parametrize(("text", "read", "reason"), WRONG, ids=[reason for _, _, reason in WRONG])
def test_a_value_of_another_type_is_refused(text: str, read: Callable[[Section], Any], reason: str) -> None:
    """With its place and its key."""
    with pytest.raises(FalcoYamlError, match=r"^falco\.yaml:") as caught:
        read(made(text))
    assert reason in str(caught.value)


def test_what_nobody_asked_for_is_warned_of_where_it_asks_for_something() -> None:
    """Not what is empty, switched off, or read."""
    warnings: list[Problem] = []
    text = "read: 1\nother: 2\nnothing:\noff: false\nempty: []\nzero: 0\nout: {enabled: false}\nin: {enabled: true}\n"
    root = Section(parse(text, "falco.yaml"), "", warnings)
    root.text("read")
    root.left({"in": "because"}, "otherwise")
    assert [str(warning) for warning in warnings] == [
        "falco.yaml:2:8: warning: other is not followed: otherwise [LOAD_UNKNOWN_ITEM]",
        "falco.yaml:8:5: warning: in is not followed: because [LOAD_UNKNOWN_ITEM]",
    ]


def test_what_says_the_usual_is_not_warned_of() -> None:
    """Falco's own falco.yaml spells its defaults out."""
    root = made("a: {b: 5, c: True, d: 7}")
    section = root.section("a")
    for key in ("b", "c", "d", "e"):
        section.unfollowed(key, ("5", "true"), "no")
    assert [warning.message for warning in root.warnings] == ["a.d is not followed: no"]
