"""YAML of rules: strings only, with their places, within bounds."""

import pytest

from runtime_monitor.rules import document
from runtime_monitor.rules.problems import RuleError


def test_everything_is_a_string() -> None:
    """What YAML 1.1 would make booleans, numbers, times, or refuse."""
    (value,) = document.read("- {a: yes, b: 010, c: [=, in, ~], d: 2026-01-01, e: '', <<: x}", "f")
    assert value.entries is not None
    assert {key: entry.text for key, entry in value.entries.items()} == {
        "a": "yes",
        "b": "010",
        "c": None,
        "d": "2026-01-01",
        "e": "",
        "<<": "x",
    }
    assert [item.text for item in value.entries["c"].items or []] == ["=", "in", "~"]


def test_places_count_from_one() -> None:
    """Of keys' values."""
    (value,) = document.read("# c\n- rule: x\n  desc:   y\n", "f")
    assert value.entries is not None
    assert (value.place.line, value.place.column) == (2, 3)
    assert (value.entries["desc"].place.line, value.entries["desc"].place.column) == (3, 11)


def test_several_documents_and_empty_ones() -> None:
    """Nothing in a document is nothing to complain of."""
    assert len(list(document.read("---\n- a: b\n---\n\n---\n# x\n---\n- c: d\n-\n", "f"))) == 2


def test_a_single_document_may_be_anything() -> None:
    """A mapping as in falco.yaml, a list, nothing; not two documents."""
    found = document.single("a: [b]", "f")
    assert found is not None
    assert found.entries is not None
    assert document.single("# nothing", "f") is None
    with pytest.raises(RuleError, match="several documents"):
        document.single("a: b\n---\nc: d", "f")


REFUSED = {
    "no list": ("rule: x", "is no list of rules"),
    "broken": ("- a: [b", "is no YAML"),
    "a tab": ("- a: b\n\t- c", "is no YAML"),
    "a character that YAML forbids": ("- a: \x00", "is no YAML"),
    "a key twice": ("- a: b\n  a: c", "key 'a' occurs twice"),
    "a key that is no text": ("- {[a]: b}", "a key must be text"),
    "deep": ("- " + "[" * 100_000, "nested deeper than 40 levels"),
    "deep by indentation": ("- " * 5000 + "a", "nested deeper than 40 levels"),
    "an alias to its own ancestor": ("- &a {b: [*a]}", "aliases expand beyond all measure"),
    "aliases that multiply": (
        "- a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"  k{i}: &k{i} [{', '.join([f'*k{i - 1}' if i else '*a'] * 10)}]\n" for i in range(8)),
        "aliases expand beyond all measure",
    ),
    "an alias to nothing": ("- *a", "is no YAML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_is_refused_with_the_reason(case: str) -> None:
    """And with a place, never a traceback or a fallen stack."""
    text, reason = REFUSED[case]
    with pytest.raises(RuleError) as caught:
        list(document.read(text, "f.yaml"))
    assert reason in caught.value.problem.message
    assert caught.value.problem.place.file == "f.yaml"


def test_a_file_beyond_the_bound_is_refused() -> None:
    """Before it is parsed."""
    with pytest.raises(RuleError, match="more than 16 MiB"):
        list(document.read(" " * (document.MAX_BYTES + 1), "f"))
