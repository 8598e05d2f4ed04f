"""Operators by type; null, and several values at once, are tested with `compile`."""

from typing import Any

import pytest

from runtime_monitor.rules import operators
from runtime_monitor.rules.fields.field import Type
from tests.runtime_monitor.rules import given

TRUTHS = (
    *((Type.STRING, "=", "a", "a"), (Type.STRING, "contains", "b", "abc"), (Type.STRING, "icontains", "B", "abc")),
    *((Type.STRING, "startswith", "a", "abc"), (Type.STRING, "endswith", "c", "abc"), (Type.STRING, "<", "b", "a")),
    *((Type.STRING, "glob", "a*c", "a/b/c"), (Type.STRING, "iglob", "A*", "abc"), (Type.STRING, "regex", "a.c", "abc")),
    *((Type.STRING, "bcontains", "6263", "abc"), (Type.STRING, "bstartswith", "61", "abc")),
    *((Type.NUMBER, "=", "0x10", 16), (Type.NUMBER, "=", "+5", 5), (Type.NUMBER, ">=", "-1", 0)),
    *((Type.NUMBER, "<=", "1.5", 1), (Type.BOOLEAN, "=", "TRUE", True)),
    *((Type.ADDRESS, "=", "10.0.0.1", "10.0.0.1"), (Type.ADDRESS, "!=", "10.0.0.1", "10.0.0.2")),
    *((Type.ADDRESS, "=", "10.0.0.1", "::ffff:10.0.0.1"), (Type.NETWORK, "=", "10.0.0.1/8", "10.9.9.9")),
    *((Type.NETWORK, "=", "fe80::/10", "fe80::1"), (Type.NETWORK, "!=", "10.0.0.0/8", "::1")),
    *((Type.BYTES, "contains", "b", b"abc"), (Type.BYTES, "bcontains", "CAFE", b"\x00\xca\xfe")),
)


@pytest.mark.parametrize(("kind", "operator", "text", "value"), TRUTHS)
def test_an_operator_holds(kind: Type, operator: str, text: str, value: Any) -> None:  # noqa: ANN401 -- any type
    """For a value that fulfils it."""
    literal = operators.literal(kind, operator, text)
    assert operators.predicate(kind, operator, [literal])(value)


FALSEHOODS = (
    *((Type.STRING, "=", "a", "A"), (Type.STRING, "contains", "B", "abc"), (Type.STRING, "regex", "b", "abc")),
    *((Type.STRING, "glob", "a", "ab"), (Type.NUMBER, ">", "1", 1), (Type.BOOLEAN, "=", "true", False)),
    *((Type.ADDRESS, "=", "10.0.0.1", "no address"), (Type.NETWORK, "=", "10.0.0.0/8", "11.0.0.1")),
    *((Type.BYTES, "bstartswith", "cafe", b"\x00\xca\xfe"), (Type.STRING, "bcontains", "00", "0")),
)


@pytest.mark.parametrize(("kind", "operator", "text", "value"), FALSEHOODS)
def test_an_operator_does_not_hold(kind: Type, operator: str, text: str, value: Any) -> None:  # noqa: ANN401 -- any type
    """For a value beside it."""
    literal = operators.literal(kind, operator, text)
    assert not operators.predicate(kind, operator, [literal])(value)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("proc.args contains anyof (x, b)", True),
        ("proc.args contains allof (a, b)", True),
        ("proc.args contains allof (a, x)", False),
        ("proc.args contains oneof (a, x)", True),
        ("proc.args contains oneof (a, b)", False),
        ("proc.args pmatch (a)", False),
        ("fd.name pmatch (/etc, /var)", True),
        ("fd.name pmatch (/et)", False),
        ("fd.name pmatch (/*/x)", True),
        ("cp.paths in (/a, /b, /c)", True),
        ("cp.paths in (/a)", False),
        ("cp.paths intersects (/a)", True),
        ("len(cp.paths) = 2", True),
        ("proc.aname = root", True),
        ("proc.aname[1] = root", False),
        ("proc.aname != root", True),
        ("fd.port = 443", True),
        ("fd.port != 443", False),
        ("fd.sport = 443", True),
        ("fd.cip = 10.0.0.1", True),
        ("proc.name = val(proc.aname[1])", True),
        ("proc.name in val(proc.aname)", True),
        ("proc.aname = val(proc.name)", True),
        ("join('-', proc.name, proc.pname) = p-p", True),
        ("concat(proc.name, x) = px", True),
    ],
)
def test_lists_and_several_values(condition: str, expected: bool) -> None:  # noqa: FBT001 -- a table
    """By what the language says of them."""
    event = given.event(
        "connect",
        proc__name="p",
        proc__argv=["a", "b"],
        fd__name="/etc/x",
        cp__paths=["/a", "/b"],
        proc__ancestors=[{"name": "p"}, {"name": "root"}],
        fd__lport=4000,
        fd__rport=443,
        fd__lip="10.0.0.1",
        fd__rip="10.0.0.2",
        fd__is_server=False,
    )
    assert given.fires(condition, event) is expected


@pytest.mark.parametrize("text", ["x", "", "0x", "1e999999999"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    """Python's own words for infinity included."""
    with pytest.raises(operators.OperandError):
        operators.literal(Type.NUMBER, "=", text)
