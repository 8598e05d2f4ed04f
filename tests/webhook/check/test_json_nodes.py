"""JSON by its own grammar: the values of the standard library's reader, with lines; and its refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.check import json_nodes, model, tree

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)

REFUSED = {
    "no value": (b'{"a": }', 1, "expected a value"),
    "no colon": (b'{"a" 1}', 1, "expected ':'"),
    "no comma": (b"[1\n2]", 2, "expected ','"),
    "a comma too many": (b'{"a": 1,}', 1, "expected a key"),
    "key without quotes": (b"{a: 1}", 1, "expected a key in quotes"),
    "unfinished": (b'{"a": [1', 1, "expected ','"),
    "lone surrogate": (b'{"a": "\\ud800"}', 1, "bad string"),
    "NaN": (b"[NaN]", 1, "expected a value"),
    "line end in a string": (b'["a\nb"]', 1, "expected a value or one of"),
    "nothing of JSON at the very start": ("\t\ufeff[".encode(), 1, "expected a value or one of"),
    "too deep": (b"[" * 20, 1, "nested deeper than 10"),
}


@given(VALUES)
def test_it_reads_what_json_reads(value: object) -> None:
    """Escaped to ASCII, so that characters beyond the first plane are surrogate pairs."""
    (document,) = json_nodes.read(json.dumps(value, indent=1).encode(), "x.json", 1, 100)
    assert isinstance(document, model.Document)
    assert document.node
    assert tree.Builder(document).build(document.node) == value


@pytest.mark.parametrize(("data", "line", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_json_says_where_and_why(data: bytes, line: int, reason: str) -> None:
    """One problem, after what could be read."""
    *_, problem = json_nodes.read(data, "x.json", 1, 10)
    assert isinstance(problem, model.Problem)
    assert problem.line == line
    assert reason in problem.reason


def test_nodes_know_their_lines_and_columns() -> None:
    """Counted from 0, as libyaml's marks are."""
    (document,) = json_nodes.read(b'{\n  "a": [\n    7]}', "x.json", 1, 10)
    assert isinstance(document, model.Document)
    assert document.node
    (_, items), *_ = document.node.value
    mark = items.value[0].start_mark
    assert (mark.line, mark.column) == (2, 4)
