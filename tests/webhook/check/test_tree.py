"""Nodes to values: keys, merges, repeated keys, tags, aliases within a budget."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.check import documents, model, tree

BUILT: dict[str, tuple[bytes, object]] = {
    "quoted words stay text": (b"a: 'on'\nb: \"017\"\n", {"a": "on", "b": "017"}),
    "block scalars stay text": (b"a: |\n  1\n", {"a": "1\n"}),
    "keys become text": (b"8080: a\ntrue: b\n", {"8080": "a", "true": "b"}),
    "an alias is a copy": (b"a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
    "merge": (b"base: &x {a: 1, b: 2}\nc:\n  <<: *x\n  b: 3\n", {"base": {"a": 1, "b": 2}, "c": {"a": 1, "b": 3}}),
    "merge of several, the first wins": (
        b"- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]\n",
        [{"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}],
    ),
    "a quoted << is a key": (b"'<<': 1\n", {"<<": 1}),
    "tags of the core": (b"a: !!str 1\nb: !!int '2'\nc: !!bool 'yes'\n", {"a": "1", "b": 2, "c": True}),
}

COMPLAINTS: dict[str, tuple[bytes, list[int], str]] = {
    "repeated key": (b"a: 1\nb: 2\na: 3\n", [3], "repeated (first in line 1)"),
    "repeated twice": (b"a: 1\na: 2\na: 3\n", [2, 3], "the last counts"),
    "a mapping as a key": (b"{a: b}: c\n", [1], "a key must be text"),
    "an unrendered template": (b"a: {{ .Values.b }}\n", [1], "render it first"),
    "a tag of somebody else": (b"a: !vault secret\n", [1], "the tag !vault"),
    "a tag that does not fit": (b"a: !!int x\n", [1], "!!int does not fit"),
    "merge of a scalar": (b"<<: 1\n", [1], "merges mappings"),
}

BOMBS: dict[str, bytes] = {
    "billion laughs": b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 10)),
    "an alias to its own ancestor": b"a: &a [*a]\n",
    "an ancestor merged in": b"a: &a\n  <<: *a\n",
}


def _built(data: bytes) -> tuple[object, list[model.Problem]]:
    (document,) = documents.read(data, "x.yaml")
    assert isinstance(document, model.Document)
    assert document.node
    builder = tree.Builder(document)
    return builder.build(document.node), builder.problems


@pytest.mark.parametrize(("data", "value"), BUILT.values(), ids=BUILT.keys())
def test_values_are_those_of_the_api_server(data: bytes, value: object) -> None:
    """Without complaint."""
    assert _built(data) == (value, [])


@pytest.mark.parametrize(("data", "lines", "reason"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_what_is_wrong_is_told_with_its_line(data: bytes, lines: list[int], reason: str) -> None:
    """The value is built all the same."""
    value, problems = _built(data)
    assert value is not None
    assert [each.line for each in problems] == lines
    assert all(reason in each.reason for each in problems)


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused(data: bytes) -> None:
    """Before memory is."""
    with pytest.raises(tree.TooLargeError):
        _built(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", categories=["L", "N", "P"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=15,
    )
)
def test_what_pyyaml_writes_is_built_again(value: object) -> None:
    """PyYAML quotes whatever YAML 1.1 would read as something else, which covers kubectl's reading but for numbers."""
    text = yaml.safe_dump({"value": value}, default_style='"')
    built, problems = _built(text.encode())
    assert built == {"value": value}
    assert not problems
