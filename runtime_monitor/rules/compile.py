"""Conditions become Python code: one function for all rules of an event type, built as an `ast`, never as text.

In: the resolved conditions of the rules that an event type can fire, in load order. Out: `Code`, values alone, so that
another process can compile; `link` makes it a function that takes an Event and returns the positions of the rules that
fire. Called by `program` and `engine`.

In the code an attribute of the event is read when the first check needs it and kept in a local variable, for all rules
of the function; so is what a field or a transformer has to make. A value that is not known is None: comparing with `==`
or `in` is false by itself, whatever calls a method asks `is not None` before.
"""

import ast
import marshal
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from runtime_monitor.events import Event
from runtime_monitor.rules import parser, resolve, tokenizer
from runtime_monitor.rules.fields.field import Several, Type
from runtime_monitor.rules.problems import ConditionError

Judge = Callable[[Event], Sequence[int]]
EVENT = "event"
UNREAD = ...
"""What a variable holds before it is read; no field has this value."""
METHODS = {"startswith": "startswith", "endswith": "endswith"}
ORDERS: dict[str, type[ast.cmpop]] = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE}


class _Code:
    """An expression, and which variables are set once it was true, and once it was false."""

    __slots__ = ("false", "node", "true")

    def __init__(self, node: ast.expr, true: frozenset[str], false: frozenset[str]) -> None:
        self.node = node
        self.true = true
        self.false = false


class Code(Struct, frozen=True):
    """The marshalled code of a function, and what it calls by name: `reads` are operands, `holds` checks, as text."""

    marshalled: bytes
    reads: dict[str, str]
    holds: dict[str, str]


def compile_rules(conditions: Sequence[resolve.Node | Literal[True]], *, first: bool) -> Code:
    """One function for these conditions; with `first` it returns at the first that is true, else it asks all."""
    builder = _Builder()
    statements: list[ast.stmt] = []
    known: frozenset[str] = frozenset()
    for position, condition in enumerate(conditions):
        code = builder.condition(condition, known)
        statements.append(ast.If(code.node, [_return(position) if first else _append(position)], []))
        known = code.false if first else code.true & code.false
    head = builder.head()
    if not first:
        head.append(ast.Assign([_store(HITS)], ast.List([], ast.Load())))
    tail = ast.Return(_constant(()) if first else _load(HITS))
    module = ast.Module([ast.FunctionDef(JUDGE, _arguments(), [*head, *statements, tail], [])], [])
    ast.fix_missing_locations(module)
    return Code(marshal.dumps(compile(module, "<rules>", "exec")), builder.reads, builder.holds)


def link(code: Code, resolver: resolve.Resolver) -> Judge:
    """The function of a Code of this very process's Python; what it calls is made anew from the texts."""
    namespace: dict[str, Any] = {name: operand(text, resolver).read for name, text in code.reads.items()}
    namespace |= {name: _check(text, resolver).holds for name, text in code.holds.items()}
    exec(marshal.loads(code.marshalled), namespace)  # noqa: S102, S302 -- made by compile_rules of nodes alone
    judge: Judge = namespace[JUDGE]
    return judge


def operand(text: str, resolver: resolve.Resolver) -> resolve.Value:
    """The value of an operand's text."""
    found = parser.Parser(tokenizer.Scanner(text)).operand()
    if found is None:
        raise ConditionError("expected a field", text, 0)
    return resolver.value(found, text)


def _check(text: str, resolver: resolve.Resolver) -> resolve.Test:
    node = resolver.node(parser.parse(text), text)
    if not isinstance(node, resolve.Test):
        raise ConditionError("expected a check", text, 0)
    return node


JUDGE = "judge"
HITS = "hits"


class _Builder:
    """Builds expressions; collects the functions that they call and the variables that they use."""

    def __init__(self) -> None:
        self.reads: dict[str, str] = {}
        self.holds: dict[str, str] = {}
        self._variables: dict[str, str] = {}

    def head(self) -> list[ast.stmt]:
        """The assignment that makes every variable unread."""
        targets: list[ast.expr] = [_store(name) for name in self._variables.values()]
        return [ast.Assign(targets, ast.Constant(UNREAD))] if targets else []

    def condition(self, node: resolve.Node | Literal[True], known: frozenset[str]) -> _Code:
        """The expression of a condition where the variables `known` are set already."""
        if node is True:
            return _Code(ast.Constant(value=True), known, known)
        if isinstance(node, resolve.Test):
            return self._test(node, known)
        if isinstance(node, resolve.Negated):
            code = self.condition(node.child, known)
            return _Code(ast.UnaryOp(ast.Not(), code.node), code.false, code.true)
        return self._chain(node, known)

    def _chain(self, node: resolve.All | resolve.Some, known: frozenset[str]) -> _Code:
        conjunction = isinstance(node, resolve.All)
        parts: list[ast.expr] = []
        stops: list[frozenset[str]] = []
        for child in node.children:
            code = self.condition(child, known)
            parts.append(code.node)
            stop, known = (code.false, code.true) if conjunction else (code.true, code.false)
            stops.append(stop)
        stopped = frozenset.intersection(*stops)
        operator: ast.boolop = ast.And() if conjunction else ast.Or()
        true, false = (known, stopped) if conjunction else (stopped, known)
        return _Code(ast.BoolOp(operator, parts), true, false)

    def _test(self, test: resolve.Test, known: frozenset[str]) -> _Code:
        variable, value = self._read(test.left, known)
        known = known | {variable}
        again = _load(variable)
        if test.operator == "exists":
            return _Code(_not_none(value), known, known)
        inline = None if test.right is not None or test.quantifier else _inline(test, value, again)
        if inline is not None:
            return _Code(inline, known, known)
        name = f"h{len(self.holds)}"
        self.holds[name] = test.text
        holds = _load(name)
        if test.right is None:
            call = ast.Call(holds, [again], [])
            return _Code(ast.BoolOp(ast.And(), [_not_none(value), call]), known, known)
        other, right = self._read(test.right, known)
        call = ast.Call(holds, [again, _load(other)], [])
        both = ast.BoolOp(ast.And(), [_not_none(value), _not_none(right), call])
        return _Code(both, known | {other}, known)

    def _read(self, value: resolve.Value, known: frozenset[str]) -> tuple[str, ast.expr]:
        """The variable of a value, and the expression that reads it: from the event, where it may not be set yet."""
        variable = self._variables.get(value.key)
        if variable is None:
            variable = self._variables[value.key] = f"v{len(self._variables)}"
        if variable in known:
            return variable, _load(variable)
        if value.path:
            part, _, attribute = value.path.partition(".")
            source: ast.expr = ast.Attribute(ast.Attribute(_load(EVENT), part, ast.Load()), attribute, ast.Load())
        else:
            self.reads[f"r{variable}"] = value.key
            source = ast.Call(_load(f"r{variable}"), [_load(EVENT)], [])
        unread = ast.Compare(_load(variable), [ast.Is()], [ast.Constant(UNREAD)])
        return variable, ast.IfExp(unread, ast.NamedExpr(_store(variable), source), _load(variable))


def _inline(test: resolve.Test, value: ast.expr, again: ast.expr) -> ast.expr | None:
    """A check as an operator of Python's, None where it must be a call."""
    left = test.left
    if left.several is not Several.NO or left.type not in (Type.STRING, Type.NUMBER, Type.BOOLEAN):
        return None
    operator, values = test.operator, test.values
    if operator in ("in", "intersects"):
        return ast.Compare(value, [ast.In()], [_constant(frozenset(values))])
    constant = ast.Constant(values[0]) if values else None
    if constant is None:
        return None
    if operator == "=":
        comparison = ast.Is() if left.type is Type.BOOLEAN else ast.Eq()
        return ast.Compare(value, [comparison], [constant])
    known = _not_none(value)
    if operator == "!=":
        check: ast.expr = ast.Compare(again, [ast.NotEq()], [constant])
    elif operator in ORDERS:
        check = ast.Compare(again, [ORDERS[operator]()], [constant])
    elif operator == "contains":
        check = ast.Compare(constant, [ast.In()], [again])
    elif operator in METHODS:
        check = ast.Call(ast.Attribute(again, METHODS[operator], ast.Load()), [constant], [])
    else:
        return None
    return ast.BoolOp(ast.And(), [known, check])


def _not_none(value: ast.expr) -> ast.expr:
    return ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])


def _constant(value: object) -> ast.Constant:
    """Any constant that code can hold: typeshed leaves tuples and frozensets out, which `compile` takes."""
    constant = ast.Constant(None)
    constant.value = value  # type: ignore[assignment] # see above
    return constant


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def _return(position: int) -> ast.stmt:
    return ast.Return(_constant((position,)))


def _append(position: int) -> ast.stmt:
    append = ast.Attribute(_load(HITS), "append", ast.Load())
    return ast.Expr(ast.Call(append, [ast.Constant(position)], []))


def _arguments() -> ast.arguments:
    return ast.arguments([], [ast.arg(EVENT)], None, [], [], None, [])
