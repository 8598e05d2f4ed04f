"""Hypothesis strategies: conditions and events from pools so small that they meet."""

from typing import TypeVar

from hypothesis import strategies as st

from runtime_monitor import events
from runtime_monitor.rules import tree

TEXTS = ("", "sh", "bash", "/etc", "/etc/shadow", "/etc/../x", "a b", "SH", "sh -c 'x'", "10.0.0.1", 'q"q', "ä", "\\")
NUMBERS = (-1, 0, 1, 7, 4096)
ADDRESSES = ("10.0.0.1", "10.1.2.3", "127.0.0.1", "::1")
RANGES = ("10.0.0.0/8", "127.0.0.0/8", "10.0.0.1", "::/0")
GLOBS = ("*", "sh", "*sh", "/etc/*", "*/../*", "?h", "[a-b]*", "[!s]h", "*s*h*")
STRING_FIELDS = (
    *(tree.Field("proc.name"), tree.Field("fd.name"), tree.Field("proc.cmdline"), tree.Field("proc.pname")),
    *(
        tree.Field("proc.aname", "1"),
        tree.Field("proc.aname", "2"),
        tree.Field("proc.aname"),
        tree.Field("fd.directory"),
    ),
    *(tree.Field("evt.type"), tree.Field("evt.arg.flags"), tree.Field("cp.paths"), tree.Field("fd.filename")),
)
NUMBER_FIELDS = (tree.Field("proc.tty"), tree.Field("user.uid"), tree.Field("fd.sport"), tree.Field("fd.port"))
EVENT_TYPES = ("open", "openat", "execve", "connect")

Kind = TypeVar("Kind")

texts = st.sampled_from(TEXTS)
literals = texts.map(tree.Literal)


def optional(strategy: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind | None]:
    """A value or its absence."""
    return st.none() | strategy


@st.composite
def operands(draw: st.DrawFn) -> tree.Operand:
    """A field of text, perhaps transformed."""
    field = draw(st.sampled_from(STRING_FIELDS))
    name = draw(st.sampled_from(("", "", "", "tolower", "toupper", "basename")))
    return tree.Transformed(name, (field,)) if name and field.name != "evt.type" else field


@st.composite
def string_checks(draw: st.DrawFn) -> tree.Check:
    """A check of text by any operator."""
    left = draw(operands())
    if isinstance(left, tree.Field) and left.name == "evt.type":
        names = st.sampled_from(EVENT_TYPES).map(tree.Literal)
        if draw(st.booleans()):
            return tree.Check(left, draw(st.sampled_from(("=", "!="))), draw(names))
        return tree.Check(left, "in", tree.Values(tuple(draw(st.lists(names, max_size=3)))))
    several = any(field.name in ("cp.paths", "proc.aname") and not field.argument for field in tree.fields(left))
    kind = draw(st.sampled_from(("exists", "list", "glob", "text", "val")))
    if kind == "exists":
        return tree.Check(left, "exists")
    if kind == "list":
        operator = draw(st.sampled_from(("in", "intersects") if several else ("in", "intersects", "pmatch")))
        return tree.Check(left, operator, tree.Values(tuple(draw(st.lists(literals, max_size=3)))))
    if several:
        return tree.Check(left, "in", tree.Values(tuple(draw(st.lists(literals, max_size=3)))))
    if kind == "glob":
        pattern = st.sampled_from(GLOBS).map(tree.Literal)
        return tree.Check(left, draw(st.sampled_from(("glob", "iglob"))), draw(pattern))
    operator = draw(st.sampled_from(("=", "!=", "contains", "icontains", "startswith", "endswith")))
    if kind == "val":
        other = draw(st.sampled_from([field for field in STRING_FIELDS if field.argument or field.name == "fd.name"]))
        return tree.Check(left, operator, tree.Transformed("val", (other,)))
    return tree.Check(left, operator, draw(literals))


@st.composite
def number_checks(draw: st.DrawFn) -> tree.Check:
    """A check of a number."""
    left: tree.Operand = draw(st.sampled_from(NUMBER_FIELDS))
    if draw(st.booleans()):
        left = tree.Transformed("len", (tree.Field("proc.name"),))
    operator = draw(st.sampled_from(("=", "!=", "<", "<=", ">", ">=")))
    return tree.Check(left, operator, tree.Literal(str(draw(st.sampled_from(NUMBERS)))))


@st.composite
def address_checks(draw: st.DrawFn) -> tree.Check:
    """A check of a range of addresses."""
    left = tree.Field(draw(st.sampled_from(("fd.net", "fd.snet", "fd.lnet"))))
    ranges = st.sampled_from(RANGES).map(tree.Literal)
    if draw(st.booleans()):
        return tree.Check(left, draw(st.sampled_from(("=", "!="))), draw(ranges))
    return tree.Check(left, "in", tree.Values(tuple(draw(st.lists(ranges, min_size=1, max_size=3)))))


checks = string_checks() | number_checks() | address_checks()


def _more(children: st.SearchStrategy[tree.Node]) -> st.SearchStrategy[tree.Node]:
    several = st.lists(children, min_size=2, max_size=4)
    return (
        children.map(lambda node: node.child if isinstance(node, tree.Not) else tree.Not(node))
        | several.map(lambda nodes: tree.And(_flat(nodes, tree.And)))
        | several.map(lambda nodes: tree.Or(_flat(nodes, tree.Or)))
    )


def _flat(nodes: list[tree.Node], kind: type[tree.And] | type[tree.Or]) -> tuple[tree.Node, ...]:
    """As the parser reads them: no `and` directly in an `and`."""
    flat: list[tree.Node] = []
    for node in nodes:
        flat.extend(node.children if isinstance(node, kind) else [node])
    return tuple(flat)


conditions: st.SearchStrategy[tree.Node] = st.recursive(checks, _more, max_leaves=12)


@st.composite
def happenings(draw: st.DrawFn) -> events.Event:
    """An event in which anything but its type may be missing."""
    addresses, numbers, strings = st.sampled_from(ADDRESSES), st.sampled_from(NUMBERS), optional(texts)
    ancestors = st.lists(st.builds(events.Ancestor, name=strings), max_size=3).map(tuple)
    return events.Event(
        evt=events.Call(
            type=draw(st.sampled_from(EVENT_TYPES)),
            num=1,
            arguments=draw(st.dictionaries(st.just("flags"), texts, max_size=1)),
        ),
        proc=events.Process(
            name=draw(strings),
            arguments=draw(optional(st.lists(texts, max_size=2).map(tuple))),
            tty=draw(optional(numbers)),
            ancestors=draw(optional(ancestors)),
        ),
        fd=events.File(
            name=draw(strings),
            type_character=draw(st.sampled_from((None, "f", "d", "4"))),
            local_address=draw(optional(addresses)),
            remote_address=draw(optional(addresses)),
            local_port=draw(optional(numbers)),
            remote_port=draw(optional(numbers)),
            is_server=draw(st.sampled_from((None, True, False))),
        ),
        user=events.User(uid=draw(optional(numbers))),
        drift=events.Drift(copy_paths=draw(optional(st.lists(texts, min_size=1, max_size=2).map(tuple)))),
    )
