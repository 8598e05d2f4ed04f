"""Names become fields, literals become values: the tree of a condition turns into one that can be evaluated.

In: a tree without macros (`macros.expand`) and the set of fields that the sensor can fill. Out: a tree of Tests, All,
Some and Negated. Called by `ruleset` and `template`; read by `compile`, `explain`, `event_types` and `pushdown`.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from runtime_monitor.events import Event
from runtime_monitor.rules import fields, getopt, operators, syscalls, transformers, tree
from runtime_monitor.rules.fields.field import Argument, Field, Several, Type
from runtime_monitor.rules.problems import ConditionError, UnfillableError, UnknownNameError


class Value(Struct, frozen=True):
    """Something that is read from an event: a field, perhaps transformed. `key` is its text, the same for the same.

    `path` is the attribute of the Event where that is all; else `read` yields it. `names` are the fields in it.
    """

    key: str
    type: Type
    several: Several
    read: Callable[[Event], Any]
    path: str = ""
    names: tuple[str, ...] = ()


class Test(Struct, frozen=True):
    """One check. `holds` takes the left value, or with `right` both; it is asked only where they are known.

    `values` are the literals: what `in` compares with, or the single value. An `exists` has no `holds`.
    """

    left: Value
    operator: str
    values: tuple[Any, ...]
    holds: Callable[..., bool] | None
    right: Value | None
    text: str
    quantifier: str = ""


class Negated(Struct, frozen=True):
    """The contrary."""

    child: "Node"


class All(Struct, frozen=True):
    """And."""

    children: tuple["Node", ...]


class Some(Struct, frozen=True):
    """Or."""

    children: tuple["Node", ...]


Node = Test | Negated | All | Some


def render(node: Node, binding: int = 0) -> str:
    """The text of a condition: parsed and resolved anew it is the same."""
    if isinstance(node, Test):
        return node.text
    if isinstance(node, Negated):
        return f"not {render(node.child, 3)}"
    word, own = (" and ", 2) if isinstance(node, All) else (" or ", 1)
    text = word.join(render(child, own + 1) for child in node.children)
    return f"({text})" if binding > own else text


def tests(node: Node) -> Iterator[Test]:
    """Every check, from left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Test):
            yield current
        else:
            stack.extend([current.child] if isinstance(current, Negated) else reversed(current.children))


class Resolver:
    """Resolves the conditions of one set of rules; equal operands share one Value. `fillable` None means all fields."""

    def __init__(self, fillable: AbstractSet[str] | None) -> None:
        self._fillable = fillable
        self._values: dict[str, Value] = {}

    def node(self, node: tree.Node, text: str) -> Node:
        """A whole condition; `text` is what its offsets refer to.

        Raises:
            UnknownNameError: a field or an event type that does not exist, or that the sensor cannot fill.
            ConditionError: an operator or a literal that the field's type does not have.
        """
        if isinstance(node, tree.Not):
            return Negated(self.node(node.child, text))
        if isinstance(node, tree.And):
            return All(tuple(self.node(child, text) for child in node.children))
        if isinstance(node, tree.Or):
            return Some(tuple(self.node(child, text) for child in node.children))
        if isinstance(node, tree.Macro):
            raise ConditionError(f"undefined macro '{node.name}'", text, node.offset)
        try:
            return self._test(node, text)
        except ConditionError as error:
            if text.startswith(str(node.left)[:4], node.offset):
                raise
            # The check comes from a macro, so that its offset is one of the macro's text.
            raise type(error)(error.message, tree.render(node), 0) from None

    def value(self, operand: tree.Operand, text: str) -> Value:
        """One operand."""
        key = str(operand)
        known = self._values.get(key)
        if known is None:
            known = self._field(operand, text) if isinstance(operand, tree.Field) else self._transformed(operand, text)
            self._values[key] = known
        return known

    def _field(self, operand: tree.Field, text: str) -> Value:
        try:
            field, argument = fields.find(operand.name, operand.argument)
        except fields.Unknown as error:
            raise UnknownNameError(str(error), text, operand.offset) from None
        if self._fillable is not None and field.name not in self._fillable:
            message = f"field {field.name} exists, but this sensor cannot fill it ({', '.join(field.needs)})"
            raise UnfillableError(message, text, operand.offset)
        several = field.several
        if several is Several.ANY and field.argument is Argument.OPTIONAL_INDEX and argument is not None:
            several = Several.NO
        return Value(str(operand), field.type, several, _reader(field, argument), field.path, (field.name,))

    def _transformed(self, operand: tree.Transformed, text: str) -> Value:
        if operand.transformer == "val":
            (only,) = operand.arguments
            if isinstance(only, tree.Literal):
                raise ConditionError("expected a field in val(...)", text, operand.offset)
            return self.value(only, text)
        if operand.transformer == "getopt":
            return self._options(operand, text)
        transformer = transformers.TRANSFORMERS[operand.transformer]
        given = [each.value if isinstance(each, tree.Literal) else self.value(each, text) for each in operand.arguments]
        values = [each for each in given if isinstance(each, Value)]
        for value in values:
            if value.type not in transformer.accepts or (transformer.joins and value.several is not Several.NO):
                message = f"{operand.transformer}(...) does not take {value.key}, which has type {value.type.value}"
                raise ConditionError(message, text, operand.offset)
        names = tuple(name for value in values for name in value.names)
        if transformer.joins:
            return Value(str(operand), transformer.yields, Several.NO, _joining(transformer, given), "", names)
        (value,) = values
        several = Several.NO if transformer.whole else value.several
        return Value(str(operand), transformer.yields, several, _applying(transformer, value), "", names)

    def _options(self, operand: tree.Transformed, text: str) -> Value:
        """`getopt(FIELD, STRING)` or `getopt(FIELD, STRING)[OPTION]`."""
        selector = operand.selector
        words, options = operand.arguments if len(operand.arguments) == 2 else (None, None)  # noqa: PLR2004 -- said below
        if not isinstance(words, tree.Field) or not isinstance(options, tree.Literal):
            message = "getopt(...) takes a field of words, such as proc.args, and a string of options, such as 'lp:e:'"
            raise ConditionError(message, text, operand.offset)
        if selector is not None and len(selector) != 1:
            raise ConditionError("getopt(...)[...] selects one option: a single character", text, operand.offset)
        value = self.value(words, text)
        read = fields.find(words.name, words.argument)[0].words
        if read is None and not (value.several is Several.LIST and value.type is Type.STRING):
            message = f"getopt(...) takes a field of words, such as proc.args: {value.key} is none"
            raise ConditionError(message, text, words.offset)
        several = Several.LIST if selector is None else Several.NO
        found = _optional(read or value.read, getopt.known(options.value), selector)
        return Value(str(operand), Type.STRING, several, found, "", value.names)

    def _test(self, check: tree.Check, text: str) -> Test:
        left = self.value(check.left, text)
        shown = tree.render(check)
        operator = "=" if check.operator == "==" else check.operator
        if operator == "exists":
            return Test(left, operator, (), None, None, shown)
        if operator not in operators.ALLOWED[left.type]:
            allowed = " ".join(sorted(operators.ALLOWED[left.type]))
            message = f"{left.key} has type {left.type.value}: it has no operator {operator}, only exists {allowed}"
            raise ConditionError(message, text, check.offset)
        right = check.right
        try:
            if isinstance(right, tree.Field | tree.Transformed):
                return self._between(left, operator, self.value(right, text), shown)
            return self._with_literals(left, operator, right, shown)
        except operators.OperandError as error:
            message = f"{left.key} has type {left.type.value}: {error}"
            raise ConditionError(message, text, right.offset if right else check.offset) from None
        except _UnknownEventTypeError as error:
            raise UnknownNameError(str(error), text, right.offset if right else check.offset) from None

    def _with_literals(self, left: Value, operator: str, right: tree.Literal | tree.Values | None, shown: str) -> Test:
        literals = right.values if isinstance(right, tree.Values) else (right,) if right else ()
        values = tuple(operators.literal(left.type, operator, each.value) for each in literals)
        if left.path == "evt.type":
            _known_event_types(operator, values)
        quantifier = right.quantifier if isinstance(right, tree.Values) else ""
        if operator == "icontains" and left.several is Several.NO and not quantifier:
            # What is lowered once serves every icontains of the field.
            left, operator, values = self._lowered(left), "contains", (values[0].lower(),)
        if quantifier:
            each = [operators.predicate(left.type, operator, (value,)) for value in values]
            holds = operators.quantified(quantifier, each)
        else:
            holds = operators.predicate(left.type, operator, values)
        holds = operators.spread(left.several, operator, holds, values)
        return Test(left, operator, values, holds, None, shown, quantifier)

    def _lowered(self, value: Value) -> Value:
        key = f"tolower({value.key})"
        if key not in self._values:
            read = _applying(transformers.TRANSFORMERS["tolower"], value)
            self._values[key] = Value(key, value.type, value.several, read, "", value.names)
        return self._values[key]

    def _between(self, left: Value, operator: str, right: Value, shown: str) -> Test:
        if right.type is not left.type:
            message = f"{right.key} has type {right.type.value}: both sides of an operator must have one type"
            raise operators.OperandError(message)
        listed = operator in operators.LISTED
        compare = _in if listed else operators.COMPARISONS.get(operator)
        if compare is None or (right.several is not Several.NO and not listed):
            raise operators.OperandError(f"operator {operator} cannot compare it with {right.key}")
        return Test(left, operator, (), _comparing(left, operator, compare), right, shown)


class _UnknownEventTypeError(ValueError):
    pass


def _known_event_types(operator: str, values: tuple[Any, ...]) -> None:
    if operator in ("=", "!=", "in"):
        for value in values:
            if value not in syscalls.NAMES:
                raise _UnknownEventTypeError(f"unknown event type {value}")


def _reader(field: Field, argument: str | int | None) -> Callable[[Event], Any]:
    if field.argument is Argument.NONE:
        return field.value
    read = field.read
    if read is None:
        return field.value
    return lambda event: read(event, argument)


def _applying(transformer: transformers.Transformer, value: Value) -> Callable[[Event], Any]:
    read, apply = value.read, transformer.apply
    one_by_one = value.several is not Several.NO and not transformer.whole

    def transformed(event: Event) -> Any:  # noqa: ANN401 -- any type of the language
        found = read(event)
        if found is None:
            return None
        if one_by_one:
            return tuple(each for each in map(apply, found) if each is not None) or None
        return apply(found)

    return transformed


def _joining(transformer: transformers.Transformer, given: list[str | Value]) -> Callable[[Event], Any]:
    apply = transformer.apply

    def joined(event: Event) -> Any:  # noqa: ANN401 -- any type of the language
        values = [each if isinstance(each, str) else each.read(event) for each in given]
        return None if None in values else apply(tuple(values))

    return joined


def _optional(
    words: Callable[[Event], Any], options: getopt.Known, selector: str | None
) -> Callable[[Event], tuple[str, ...] | str | None]:
    def found(event: Event) -> tuple[str, ...] | str | None:
        given = words(event)
        if given is None:
            return None
        return getopt.listed(given, options) if selector is None else getopt.selected(given, options, selector)

    return found


def _in(value: object, other: object) -> bool:
    """`in val(FIELD)`: one of its values, or the value."""
    return value in other if isinstance(other, tuple) else value == other


def _comparing(left: Value, operator: str, compare: operators.Comparison) -> operators.Comparison:
    if left.several is Several.NO:
        return compare
    return lambda value, other: operators.spread(left.several, operator, lambda each: compare(each, other))(value)
