"""The syntax tree of a condition: frozen nodes, their text, and walks over them.

In: what `parser` reads. Out: what `macros` expands, `resolve` types, `compile` and `explain` evaluate. Each leaf keeps
the offset in its text, so that a later stage can still point at it.
"""

from collections.abc import Iterator

from msgspec import Struct

from runtime_monitor.rules import quoting


class Field(Struct, frozen=True):
    """`proc.aname[2]`: a field with the argument between the brackets, None without."""

    name: str
    argument: str | None = None
    offset: int = 0

    def __str__(self) -> str:
        """As conditions and outputs write it."""
        return self.name if self.argument is None else f"{self.name}[{_argument(self.argument)}]"


class Transformed(Struct, frozen=True):
    """`tolower(proc.name)`; several arguments only for `join`, `concat` and `getopt`, `val` only at the right.

    `selector` is what stands in brackets behind `getopt(...)`, None without.
    """

    transformer: str
    arguments: tuple["Operand | Literal", ...]
    offset: int = 0
    selector: str | None = None

    def __str__(self) -> str:
        """As conditions write it."""
        selector = "" if self.selector is None else f"[{_argument(self.selector)}]"
        return f"{self.transformer}({', '.join(map(str, self.arguments))}){selector}"


class Literal(Struct, frozen=True):
    """A string or a number, as text: its type is the type of what it is compared with."""

    value: str
    offset: int = 0

    def __str__(self) -> str:
        """In quotes where it needs them."""
        return quoting.quote(self.value)


class Values(Struct, frozen=True):
    """`(a, b)`. `quantifier` is `oneof`, `anyof`, `allof` where an operator is spread over the list, else empty."""

    values: tuple[Literal, ...]
    quantifier: str = ""
    offset: int = 0

    def __str__(self) -> str:
        """In parentheses."""
        prefix = f"{self.quantifier} " if self.quantifier else ""
        return f"{prefix}({', '.join(map(str, self.values))})"


Operand = Field | Transformed
Right = Literal | Values | Field | Transformed


class Check(Struct, frozen=True):
    """`left operator right`; right is None for `exists` alone."""

    left: Operand
    operator: str
    right: Right | None = None
    offset: int = 0


class Macro(Struct, frozen=True):
    """The name of a macro, before expansion."""

    name: str
    offset: int = 0


class Not(Struct, frozen=True):
    """The contrary."""

    child: "Node"


class And(Struct, frozen=True):
    """All of at least two."""

    children: tuple["Node", ...]


class Or(Struct, frozen=True):
    """Any of at least two."""

    children: tuple["Node", ...]


Node = Check | Macro | Not | And | Or


def leaves(node: Node) -> Iterator[Check | Macro]:
    """Every check and macro, from left to right; without recursion, since expanded trees may be deep."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, And | Or):
            stack.extend(reversed(current.children))
        elif isinstance(current, Not):
            stack.append(current.child)
        else:
            yield current


def fields(operand: Right | None) -> Iterator[Field]:
    """The fields that an operand reads."""
    if isinstance(operand, Field):
        yield operand
    elif isinstance(operand, Transformed):
        for argument in operand.arguments:
            if not isinstance(argument, Literal):
                yield from fields(argument)


def render(node: Node) -> str:
    """The text of a tree; parsing it yields an equal tree but for the offsets."""
    return _render(node, 0)


def _render(node: Node, binding: int) -> str:
    if isinstance(node, Macro):
        return node.name
    if isinstance(node, Not):
        return f"not {_render(node.child, 3)}"
    if isinstance(node, Check):
        right = "" if node.right is None else f" {node.right}"
        return f"{node.left} {node.operator}{right}"
    word, own = (" and ", 2) if isinstance(node, And) else (" or ", 1)
    text = word.join(_render(child, own + 1) for child in node.children)
    return f"({text})" if binding > own else text


def _argument(text: str) -> str:
    plain = text and not any(character in "[]\"'" or character.isspace() for character in text)
    if plain:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
