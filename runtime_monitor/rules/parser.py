"""The grammar of conditions, by recursive descent: each method's docstring is its rule.

In: the text of a condition, lists already put in (`lists`). Out: a tree (`tree`), macros still by name. Called by
`ruleset` for rules and macros, and by `template` for the fields of outputs. The language is libsinsp's
(filter/parser.h): `not` binds closer than `and`, `and` closer than `or`; the words are lower case.
"""

from runtime_monitor.rules import depth, tokenizer, tree
from runtime_monitor.rules.problems import ConditionError

MAX_TRANSFORMERS = 100
"""Transformers in each other."""
MAX_LENGTH = 1 << 20
"""Characters of one condition, lists put in. The longest of the stock rules has 5,000."""

LISTS = ("in", "intersects", "pmatch")
ORDERS = ("<", "<=", ">", ">=")
OPERATORS = (
    *("exists", "=", "==", "!=", *ORDERS, "glob", "iglob", "regex"),
    *("contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", *LISTS),
)
RESERVED = ("and", "or", "not")
SEVERAL = ("join", "concat", "getopt")
"""Transformers with more than one argument."""


@depth.allowed
def parse(text: str) -> tree.Node:
    """The tree of a condition.

    Raises:
        ConditionError: what was expected at which offset; also where the text is too long or nested too deeply.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text)} characters: at most {MAX_LENGTH} are read", text[:80], 0)
    parser = Parser(tokenizer.Scanner(text))
    node = parser.disjunction()
    if not parser.scan.ended:
        parser.scan.fail("unexpected text: expected 'and', 'or' or the end")
    return node


class Parser:
    """Reads one text; `scan` is how far."""

    def __init__(self, scan: tokenizer.Scanner) -> None:
        self.scan = scan
        self._parentheses = self._transformers = 0

    def disjunction(self) -> tree.Node:
        """Disjunction = conjunction { "or" ( blank conjunction | "(" disjunction ")" ) }."""
        children = [self.conjunction()]
        while self._word("or"):
            children.append(self.conjunction())
        return children[0] if len(children) == 1 else tree.Or(_flat(tree.Or, children))

    def conjunction(self) -> tree.Node:
        """Conjunction = negation { "and" ( blank negation | "(" disjunction ")" ) }."""
        children = [self.negation()]
        while self._word("and"):
            children.append(self.negation())
        return children[0] if len(children) == 1 else tree.And(_flat(tree.And, children))

    def negation(self) -> tree.Node:
        """Negation = { "not" blank } [ "not" before "(" ] check."""
        self.scan.blank()
        negated = False
        while self.scan.take(tokenizer.NOT):
            negated = not negated
        if self.scan.text.startswith("not(", self.scan.offset):
            self.scan.symbol("not")
            negated = not negated
        child = self.check()
        if not negated:
            return child
        return child.child if isinstance(child, tree.Not) else tree.Not(child)

    def check(self) -> tree.Node:
        """Check = "(" disjunction ")" | operand condition | identifier."""
        self.scan.blank()
        if self.scan.symbol("("):
            return self._embedded()
        offset = self.scan.offset
        operand = self.operand()
        if operand is not None:
            return self.condition(operand, offset)
        name = self.scan.take(tokenizer.IDENTIFIER)
        if name is None or name in RESERVED:
            self.scan.offset = offset
            self.scan.fail("expected '(', a field with an operator, or the name of a macro")
        return tree.Macro(name, offset)

    def condition(self, left: tree.Operand, offset: int) -> tree.Check:
        """Condition = "exists" | order number | word string | word quantifier list | listword list."""
        self.scan.blank()
        operator = self.scan.take(tokenizer.SYMBOL_OPERATOR) or self.scan.take(tokenizer.WORD_OPERATOR)
        if operator is None:
            self.scan.fail(f"expected an operator after {left}: one of {' '.join(OPERATORS)}")
        if operator == "exists":
            return tree.Check(left, operator, None, offset)
        self.scan.blank()
        right = self._right(operator)
        return tree.Check(left, operator, right, offset)

    def operand(self) -> tree.Operand | None:
        """Operand = field | transformer "(" operand { "," operand-or-string } ")" [ "[" option "]" ]."""
        offset = self.scan.offset
        name = self.scan.take(tokenizer.FIELD)
        if name is not None:
            return self._field(name, offset)
        transformer = self.scan.take(tokenizer.TRANSFORMER)
        return None if transformer is None else self._transformed(transformer[:-1], offset)

    def values(self) -> tree.Values:
        """Values = "(" [ string { "," string } ] ")", the parenthesis already read."""
        start = self.scan.offset - 1
        values = []
        self.scan.blank()
        if not self.scan.symbol(")"):
            while True:
                values.append(self._string("expected a string or ')'"))
                self.scan.blank()
                if self.scan.symbol(")"):
                    break
                if not self.scan.symbol(","):
                    self.scan.fail("expected ',' or ')' in a list")
        return tree.Values(tuple(values), "", start)

    def _right(self, operator: str) -> tree.Right:
        quantifier = "" if operator in LISTS else self.scan.take(tokenizer.QUANTIFIER)
        if quantifier:
            self.scan.blank()
            if not self.scan.symbol("("):
                self.scan.fail(f"expected a list in parentheses after '{quantifier}'")
            return tree.Values(self.values().values, quantifier, self.scan.offset)
        if operator in LISTS and self.scan.symbol("("):
            return self.values()
        compared = self._compared_field()
        if compared is not None:
            return compared
        offset = self.scan.offset
        if operator in ORDERS:
            number = self.scan.take(tokenizer.NUMBER)
            if number is None:
                self.scan.fail(f"expected a number or val(FIELD) after '{operator}'")
            return tree.Literal(number, offset)
        if operator in LISTS:
            name = self.scan.take(tokenizer.IDENTIFIER)
            if name is None:
                self.scan.fail(f"expected a list in parentheses after '{operator}'")
            return tree.Values((tree.Literal(name, offset),), "", offset)
        return self._string(f"expected a string or val(FIELD) after '{operator}'")

    def _compared_field(self) -> tree.Operand | None:
        """A field at the right, `val(FIELD)` or within a transformer."""
        offset = self.scan.offset
        if self.scan.symbol("val("):
            return self._transformed("val", offset)
        transformer = self.scan.take(tokenizer.TRANSFORMER)
        return None if transformer is None else self._transformed(transformer[:-1], offset)

    def _transformed(self, transformer: str, offset: int) -> tree.Transformed:
        self._transformers += 1
        if self._transformers > MAX_TRANSFORMERS:
            self.scan.fail(f"nested deeper than {MAX_TRANSFORMERS} transformers")
        arguments = [self._argument(transformer)]
        self.scan.blank()
        while transformer in SEVERAL and self.scan.symbol(","):
            arguments.append(self._argument(transformer))
            self.scan.blank()
        if not self.scan.symbol(")"):
            self.scan.fail(f"expected ')' after the field in {transformer}(...)")
        self._transformers -= 1
        selector = self._bracketed(transformer) if transformer == "getopt" else None
        return tree.Transformed(transformer, tuple(arguments), offset, selector)

    def _argument(self, transformer: str) -> tree.Operand | tree.Literal:
        self.scan.blank()
        operand = self.operand()
        if operand is not None:
            return operand
        if transformer not in SEVERAL:
            self.scan.fail(f"expected a field in {transformer}(...)")
        return self._string(f"expected a field or a string in {transformer}(...)")

    def _field(self, name: str, offset: int) -> tree.Field:
        return tree.Field(name, self._bracketed(name), offset)

    def _bracketed(self, name: str) -> str | None:
        """What stands in brackets behind a name; None without."""
        if not self.scan.symbol("["):
            return None
        argument = self.scan.argument()
        if argument is None:
            self.scan.fail(f"expected the argument of {name}[...]: a string, bare or quoted")
        if not self.scan.symbol("]"):
            self.scan.fail(f"expected ']' after the argument of {name}")
        return argument

    def _string(self, message: str) -> tree.Literal:
        self.scan.blank()
        offset = self.scan.offset
        value = self.scan.string()
        if value is None:
            self.scan.fail(message)
        return tree.Literal(value, offset)

    def _embedded(self) -> tree.Node:
        self._parentheses += 1
        if self._parentheses > depth.PARENTHESES:
            self.scan.fail(f"nested deeper than {depth.PARENTHESES} parentheses")
        node = self.disjunction()
        self.scan.blank()
        if not self.scan.symbol(")"):
            self.scan.fail("expected 'and', 'or' or ')'")
        self._parentheses -= 1
        return node

    def _word(self, word: str) -> bool:
        self.scan.blank()
        if not self.scan.symbol(word):
            return False
        if not (self.scan.blank() or self.scan.text.startswith("(", self.scan.offset)):
            self.scan.fail(f"expected a blank or '(' after '{word}'")
        return True


def _flat(kind: type[tree.And] | type[tree.Or], children: list[tree.Node]) -> tuple[tree.Node, ...]:
    """Children with those of their own kind dissolved: `a and (b and c)` is `a and b and c`."""
    flat: list[tree.Node] = []
    for child in children:
        if isinstance(child, kind):
            flat.extend(child.children)
        else:
            flat.append(child)
    return tuple(flat)
