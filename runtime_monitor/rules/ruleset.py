"""Rules files -> the rules that hold: read, collect, put in lists and macros, resolve.

In: the files as text, in the order in which they count, and what the sensor can fill. Out: a RuleSet with every problem
that was seen; where one of them is an error, nothing of it may be used. Called by `podseal-monitor rules`, `replay` and
by `reload`; `engine` runs the rules.
"""

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from msgspec import Struct, structs

from runtime_monitor.alerts import Priority
from runtime_monitor.rules import (
    additions,
    collect,
    depth,
    document,
    event_types,
    exceptions,
    fields,
    items,
    lists,
    macros,
    parser,
    requirements,
    resolve,
    selection,
    template,
)
from runtime_monitor.rules.additions import SUGGESTED, Addition
from runtime_monitor.rules.problems import ConditionError, Place, Problem, RuleError, UnfillableError, UnknownNameError
from runtime_monitor.rules.selection import Selection

MANY_TYPES = 100
"""Event types above which Falco warns: the rule is asked for nearly every event."""
MOST_FORWARD = 50
"""Macros in each other that stand later than what uses them; those before are no matter of depth."""
MOST_CHECKS = 500_000
"""Checks of all rules with their macros put in; the stock rules have 300."""
EQUALITY = frozenset({"=", "==", "in"})
CONDITION = "LOAD_ERR_COMPILE_CONDITION"


class Source(Struct, frozen=True):
    """A rules file: what it is called and what it holds; `own` where it is one of podseal's."""

    name: str
    text: str
    own: bool = False


class Options(Struct, frozen=True):
    """How rules are loaded.

    `fillable` are the fields that the sensor fills, `delivered` the event types that it hands over, None for all. A
    condition that needs others is an error, or with `lenient` a warning and the rule is left out: never is it silently
    false. In outputs such a field prints <NA>. Rules below `priority` are left out, and those that `selection`
    disables; `additions` are put behind outputs.
    """

    fillable: AbstractSet[str] | None = None
    delivered: AbstractSet[str] | None = None
    lenient: bool = False
    priority: Priority = Priority.DEBUG
    additions: tuple[Addition, ...] = (SUGGESTED,)
    selection: tuple[Selection, ...] = ()


class Rule(Struct, frozen=True):
    """A rule that holds. `types` are the event types that can fire it; `hash` names it in the ids of alerts.

    `own` where a file of podseal's has defined it, whatever a later file changed.
    """

    name: str
    desc: str
    priority: Priority
    source: str
    tags: tuple[str, ...]
    enabled: bool
    condition: resolve.Node
    output: template.Template
    types: frozenset[str]
    place: Place
    own: bool = False

    @property
    def hash(self) -> str:
        """The first eight hexadecimal digits of its name's SHA-256: an edited rule keeps its alerts' ids."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]


class RuleSet(Struct, frozen=True):
    """What was loaded: rules in load order, errors and warnings in the order in which they were seen."""

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those problems for which nothing may be used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The others."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")


@depth.allowed
def load(sources: Sequence[Source], options: Options = Options()) -> RuleSet:  # noqa: B008 -- frozen
    """Load rules files; never raises for what they hold."""
    loader = _Loader(options)
    for source in sources:
        loader.read(source)
    rules = loader.rules() if not loader.failed else ()
    return RuleSet(rules, tuple(loader.problems))


class _Loader:
    """The state of one load."""

    def __init__(self, options: Options) -> None:
        self.problems: list[Problem] = []
        self._options = options
        self._collected = collect.Collected()
        self._resolver = resolve.Resolver(options.fillable)
        self._outputs = resolve.Resolver(None)
        self._lists: dict[str, str] = {}
        self._macros: dict[str, macros.Expanded] = {}
        self._used: set[str] = set()
        self._checks = 0
        self._own: set[str] = set()

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def read(self, source: Source) -> None:
        """Collect the items of one file; what is wrong with one does not hide the next."""
        try:
            for value in document.read(source.text, source.name):
                self._item(value, own=source.own)
        except RuleError as error:
            self.problems.append(error.problem)

    def _item(self, value: document.Value, *, own: bool) -> None:
        try:
            for item in items.read(value, self.problems):
                if isinstance(item, items.Requirement):
                    requirements.check(item)
                else:
                    collect.add(self._collected, item, self.problems)
                    if own and isinstance(item, items.RuleItem):
                        self._own.add(item.name)
        except RuleError as error:
            self.problems.append(_named(error.problem, _item_name(value)))

    def rules(self) -> tuple[Rule, ...]:
        """Compile what was collected."""
        try:
            self._lists, used_lists = lists.resolve(self._collected.lists)
        except ConditionError as error:
            place = self._collected.lists[error.text].place
            self.problems.append(Problem("error", "LOAD_ERR_VALIDATE", error.message, place))
            return ()
        self._used |= used_lists
        self._expand_macros()
        found = [rule for item in self._collected.rules.values() if (rule := self._rule(item)) is not None]
        self._unused()
        return tuple(found)

    def _expand_macros(self) -> None:
        for macro in self._collected.macros.values():
            try:
                self._macro(macro, ())
            except ConditionError as error:
                self.problems.append(_problem(error, macro.place, f"macro '{macro.name}'"))

    def _macro(self, macro: items.MacroItem, above: tuple[str, ...]) -> macros.Expanded:
        """A macro expanded, with those that it sees: the ones that were first defined before its last definition."""
        if macro.name in self._macros:
            return self._macros[macro.name]
        chain = (*above, macro.name)
        if macro.name in above or len(chain) > MOST_FORWARD:
            raise ConditionError(f"macros refer to each other in a circle: {' -> '.join(chain)}", macro.condition, 0)

        def find(name: str) -> macros.Expanded | None:
            found = self._collected.macros.get(name)
            return self._macro(found, chain) if found and found.index < macro.visibility else None

        self._macros[macro.name] = self._expanded(macro.condition, find)
        return self._macros[macro.name]

    def _expanded(self, condition: str, find: macros.Find) -> macros.Expanded:
        text, used = lists.substitute(condition, self._lists)
        self._used |= used
        expanded = macros.expand(parser.parse(text), find, text)
        self._used |= expanded.used
        return expanded

    def _rule(self, item: items.RuleItem) -> Rule | None:
        name = f"rule '{item.name}'"
        if (item.source or "syscall") not in collect.SOURCES:
            return None
        place = item.condition_place or item.place
        try:
            condition = self._condition(item)
            place = item.output_place or item.place
            output = self._output(item)
        except RuleError as error:
            self.problems.append(_named(error.problem, name))
            return None
        except UnknownNameError as error:
            self.problems.append(self._unknown_name(error, item, place))
            return None
        except ConditionError as error:
            self.problems.append(_problem(error, place, name))
            return None
        rule = _made(item, condition, output, own=item.name in self._own)
        if len(rule.types) > MANY_TYPES and item.warn_evttypes is not False:
            message = f"matches {len(rule.types)} event types: bind evt.type, or every event is asked"
            self.problems.append(Problem("warning", "LOAD_NO_EVTTYPE", message, place, name))
        if not self._is_enabled(rule):
            return None
        return rule if self._is_delivered(rule, place) else None

    def _output(self, item: items.RuleItem) -> template.Template:
        """The output, with what is put behind it."""
        alone = template.compile_output(item.output or "", self._outputs)
        counting = additions.of_rule(self._options.additions, item.name, item.source or "syscall", item.tags or ())
        if not counting:
            return alone
        text = additions.extended(alone.text, counting, {value.key for value in alone.fields})
        return template.compile_output(text, self._outputs, additions.fields(counting))

    def _is_enabled(self, rule: Rule) -> bool:
        selected = selection.enabled(self._options.selection, rule.name, rule.tags, otherwise=rule.enabled)
        return selected and rule.priority <= self._options.priority

    def _is_delivered(self, rule: Rule, place: Place) -> bool:
        """Whether the sensor hands over any event that can fire the rule; says so where not."""
        delivered = self._options.delivered
        if not rule.types:
            return True
        if delivered is not None and not rule.types & delivered:
            message = f"needs {', '.join(sorted(rule.types))}, of which this sensor tells nothing"
        elif self._options.fillable is not None and (never := _never_told(rule)):
            message = never
        else:
            return True
        severity: Literal["error", "warning"] = "warning" if self._options.lenient else "error"
        named = f"rule '{rule.name}'"
        self.problems.append(Problem(severity, "LOAD_UNKNOWN_FILTER", f"{message}: the rule is left out", place, named))
        return False

    def _condition(self, item: items.RuleItem) -> resolve.Node:
        text = exceptions.conjoin(item.condition or "", item.exceptions or ())
        expanded = self._expanded(text, self._macros.get)
        self._checks += expanded.leaves
        if self._checks > MOST_CHECKS:
            raise ConditionError(f"all rules together have more than {MOST_CHECKS} checks", text, 0)
        return self._resolver.node(expanded.node, lists.substitute(text, self._lists)[0])

    def _unknown_name(self, error: UnknownNameError, item: items.RuleItem, place: Place) -> Problem:
        name = f"rule '{item.name}'"
        if item.skip_if_unknown_filter or (self._options.lenient and isinstance(error, UnfillableError)):
            message = f"{error.message}: the rule is skipped"
            return Problem("warning", "LOAD_UNKNOWN_FILTER", message, place, name, error.excerpt())
        return _problem(error, place, name)

    def _unused(self) -> None:
        if self.failed:
            return
        for kind, code, known in (
            ("list", "LOAD_UNUSED_LIST", self._collected.lists),
            ("macro", "LOAD_UNUSED_MACRO", self._collected.macros),
        ):
            for name, item in known.items():
                if name not in self._used:
                    message = "is not used by any rule, macro or list"
                    self.problems.append(Problem("warning", code, message, item.place, f"{kind} '{name}'"))


def _never_told(rule: Rule) -> str | None:
    """What a check asks of a field that no event of the rule's types has, or with no value that a sensor can give."""
    for test in resolve.tests(rule.condition):
        for name in test.left.names:
            field = fields.FIELDS[name]
            if field.events is not None and not rule.types & field.events:
                return f"field {name} exists, but this sensor cannot fill it with {', '.join(sorted(rule.types))}"
            if field.told is not None and test.operator in EQUALITY and not any(map(field.told, test.values)):
                return f"field {name} exists, but this sensor cannot fill it with {', '.join(map(str, test.values))}"
    return None


def _made(item: items.RuleItem, condition: resolve.Node, output: template.Template, *, own: bool) -> Rule:
    return Rule(
        name=item.name,
        desc=(item.desc or "").strip(),
        priority=item.priority if item.priority is not None else Priority.DEBUG,
        source=item.source or "syscall",
        tags=item.tags or (),
        enabled=item.enabled is not False,
        condition=condition,
        output=output,
        types=event_types.possible(condition),
        place=item.place,
        own=own,
    )


def _item_name(value: document.Value) -> str:
    """`rule 'x'`, for a fault that was seen before the item was read."""
    for kind in ("rule", "macro", "list"):
        name = (value.entries or {}).get(kind)
        if name is not None and name.text:
            return f"{kind} '{name.text}'"
    return ""


def _named(problem: Problem, item: str) -> Problem:
    return problem if problem.item else structs.replace(problem, item=item)


def _problem(error: ConditionError, place: Place, item: str) -> Problem:
    return Problem("error", CONDITION, error.message, place, item, error.excerpt())
