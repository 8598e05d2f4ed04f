"""Trees: their walks and their text; the round trip is tested with the parser."""

from runtime_monitor.rules import parser, tree


def test_leaves_come_from_left_to_right() -> None:
    """Through every nesting."""
    node = parser.parse("a or not (b and proc.name = c) and (d or e)")
    assert [getattr(leaf, "name", None) for leaf in tree.leaves(node)] == ["a", "b", None, "d", "e"]


def test_the_fields_of_an_operand() -> None:
    """Within transformers too; literals are none."""
    operand = parser.parse("concat(proc.name, x, tolower(proc.aname[2])) = y")
    assert isinstance(operand, tree.Check)
    assert [str(field) for field in tree.fields(operand.left)] == ["proc.name", "proc.aname[2]"]
    assert list(tree.fields(operand.right)) == []


def test_arguments_are_quoted_where_they_need_it() -> None:
    """A bracket or a blank inside would end them."""
    assert str(tree.Field("proc.env", "A")) == "proc.env[A]"
    assert str(tree.Field("proc.env", "A ]")) == 'proc.env["A ]"]'
