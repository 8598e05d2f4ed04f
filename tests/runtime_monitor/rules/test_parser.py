"""The grammar: what is read, what it means, and what is said where it is not understood."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_monitor.rules import parser, tree
from runtime_monitor.rules.problems import ConditionError
from tests.runtime_monitor.rules import strategies

GOLDEN = Path(__file__).parent / "golden" / "condition_errors.txt"

READ_AS = {
    "blanks of all kinds": ("\n\tproc.name  =\r\n x ", "proc.name = x"),
    "no blanks around symbols": ("proc.name=x and proc.tty!=0", "proc.name = x and proc.tty != 0"),
    "not binds closer than and, and closer than or": (
        "not proc.name = a and proc.name = b or proc.name = c",
        "not proc.name = a and proc.name = b or proc.name = c",
    ),
    "parentheses": ("(proc.name = a or proc.name = b) and c", "(proc.name = a or proc.name = b) and c"),
    "parentheses that change nothing": ("((proc.name = a) and ((b)))", "proc.name = a and b"),
    "words directly before a parenthesis": ("not(a) and(b) or(c)", "not a and b or c"),
    "not twice": ("not not a", "a"),
    "not before a negation in parentheses": ("not (not a)", "a"),
    "a macro whose name begins with an operator": ("notable and order", "notable and order"),
    "double quotes": ('proc.cmdline contains "a b"', 'proc.cmdline contains "a b"'),
    "single quotes": ("proc.cmdline contains 'a \"b'", 'proc.cmdline contains "a \\"b"'),
    "an unquoted path": ("fd.name startswith /etc/", "fd.name startswith /etc/"),
    "an unquoted name with dots": ("container.image.repository = registry.k8s.io/x", None),
    "an empty list": ("proc.name in ()", "proc.name in ()"),
    "a list over lines": ("proc.name in (a,\n  'b c' , d)", 'proc.name in (a, "b c", d)'),
    "in without a blank": ("proc.name in(a)", "proc.name in (a)"),
    "a name for a list": ("proc.name in shells", "proc.name in (shells)"),
    "an argument": ("proc.aname[2] = x", None),
    "a quoted argument": ("proc.env['A B'] = x", 'proc.env["A B"] = x'),
    "an argument with a star": ("container.mount.dest[/proc*] exists", None),
    "numbers": ("proc.tty >= 0x10 and evt.rawres < -1", "proc.tty >= 0x10 and evt.rawres < -1"),
    "transformers in each other": ("toupper(basename( proc.exepath )) = X", "toupper(basename(proc.exepath)) = X"),
    "another field at the right": ("proc.name = val(proc.pname)", None),
    "a transformed field at the right": ("proc.name = tolower(proc.pname)", None),
    "several arguments": ("concat(proc.name, '-', proc.pname) = a-b", "concat(proc.name, -, proc.pname) = a-b"),
    "an operator over a list": ("proc.args contains anyof (a, b)", None),
    "a literal called as an operator": ("proc.name = contains", None),
    "a literal called as a quantifier": ("proc.name = 'anyof'", 'proc.name = "anyof"'),
    "escapes": (r'proc.name = "\x41\t\/\"\\"', 'proc.name = "A\\t/\\"\\\\"'),
    "an escaped blank is a backslash": (r'proc.name = "a\ b"', r"proc.name = a\b"),
}


@pytest.mark.parametrize("case", READ_AS)
def test_a_condition_is_read(case: str) -> None:
    """What is read prints in one form."""
    text, expected = READ_AS[case]
    assert tree.render(parser.parse(text)) == (expected or text)


ERRORS = (
    *("", "   ", "proc.name", "proc.name =", "proc.name = ", "proc.name in", "proc.name in (a", "proc.name in (a b)"),
    *("proc.name in (a,)", "proc.name = a b", "proc.name = a and", "proc.name = a andx", "and proc.name = a"),
    *("(proc.name = a", "proc.name = a)", "not", "proc.tty > a", "proc.tty > val(x)", "proc.name = 'a", 'a.b = "\\q"'),
    *('a.b = "\\xZZ"', "proc.aname[", "proc.aname[] = a", "proc.aname[1 = a", "tolower(x) = a", "tolower(a.b = c"),
    *("a.b = tolower('x')", "a.b ~ c", "a.b AND c.d", "a.b contains anyof x", "42 = a.b", "a.b = c or\n\n  d.e = = f"),
    *("x" * 100 + " = a", "proc.name in (" + "a, " * 60 + "(b))", "(" * 1001 + "a" + ")" * 1001),
)


def test_errors_show_what_was_expected_and_where() -> None:
    """Each message with its excerpt and caret, as pinned in the golden file."""
    shown = []
    for text in ERRORS:
        with pytest.raises(ConditionError) as caught:
            parser.parse(text)
        shown.append(f"{caught.value.message}\n{caught.value.excerpt()}\n")
    text = "\n".join(shown)
    if os.environ.get("PODSEAL_REWRITE"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@settings(max_examples=300, deadline=None)
@given(strategies.conditions)
def test_what_is_printed_reads_back_as_the_same(condition: tree.Node) -> None:
    """Tree -> text -> tree, but for the offsets."""
    again = parser.parse(tree.render(condition))
    assert tree.render(again) == tree.render(condition)
    assert _bare(again) == _bare(condition)


def _bare(node: object) -> object:
    """A tree without its offsets."""
    if isinstance(node, tuple):
        return tuple(map(_bare, node))
    fields = getattr(node, "__struct_fields__", None)
    if fields is None:
        return node
    return type(node).__name__, tuple(_bare(getattr(node, name)) for name in fields if name != "offset")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.=<>()[]'\"\\ ,notinrvl\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another exception."""
    with contextlib.suppress(ConditionError):
        assert tree.render(parser.parse(text))


def test_a_text_beyond_the_bound_is_refused() -> None:
    """Before anything is read."""
    with pytest.raises(ConditionError, match="characters: at most"):
        parser.parse("a.b = c or " * 100_000)


def test_a_condition_of_a_mebibyte_is_read() -> None:
    """The time is linear in the length."""
    text = " or ".join(["a.b = c"] * (parser.MAX_LENGTH // 11))
    node = parser.parse(text)
    assert isinstance(node, tree.Or)
    assert len(node.children) == parser.MAX_LENGTH // 11


@pytest.mark.parametrize("text", ["(" * 2000 + "a" + ")" * 2000, "tolower(" * 1000 + "a.b" + ")" * 1000 + "=x"])
def test_too_many_levels_are_refused(text: str) -> None:
    """With a message, not by a full stack."""
    with pytest.raises(ConditionError, match="nested deeper than 100"):
        parser.parse(text)
