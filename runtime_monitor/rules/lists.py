"""Lists are put into conditions as text, before anything is parsed: Falco's own order of things.

In: the lists of all files in their order and the text of a condition. Out: the text with the items in the lists' place,
and which lists were used. Called by `ruleset`. As in Falco (rule_loader_compiler, resolve_list): a list in a list is
resolved one level deep and only where it stands earlier; a condition sees all lists wherever they stand; a name counts
wherever a blank, a parenthesis, a comma or `=` surrounds it, inside quotes too; an empty list takes a comma with it.
"""

from collections.abc import Mapping, Sequence

from runtime_monitor.rules import parser, quoting
from runtime_monitor.rules.items import ListItem
from runtime_monitor.rules.problems import ConditionError

BLANKS = " \t\n\r"
DELIMITERS = BLANKS + "(),="
MOST_ITEMS = 100_000
"""Items of one list with the lists in it."""


def resolve(lists: Mapping[str, ListItem]) -> tuple[dict[str, str], set[str]]:
    """Name -> the text that stands for it; and the names that other lists use.

    Raises:
        ConditionError: lists in lists that grow beyond MOST_ITEMS.
    """
    texts: dict[str, str] = {}
    used: set[str] = set()
    for name, found in lists.items():
        items: list[str] = []
        for item in found.items:
            inner = lists.get(item)
            if inner is not None and inner.index < found.visibility:
                used.add(item)
                items.extend(inner.items)
            else:
                items.append(item)
            if len(items) > MOST_ITEMS:
                raise ConditionError(f"list {name} has more than {MOST_ITEMS} items with the lists in it", name, 0)
        texts[name] = joined(items)
    return texts, used


def joined(items: Sequence[str]) -> str:
    """Items as a condition has them between parentheses: those with a blank in quotes."""
    return ", ".join(map(quoting.item, items))


def substitute(condition: str, lists: Mapping[str, str]) -> tuple[str, set[str]]:
    """The condition with every list put in, in the lists' order; and which were used.

    Raises:
        ConditionError: the text grows beyond what the parser reads.
    """
    used = set()
    for name, text in lists.items():
        if name in condition:
            replaced = _replace(condition, name, text)
            if replaced is not None:
                condition = replaced
                used.add(name)
    return condition, used


def _replace(condition: str, name: str, text: str) -> str | None:
    parts: list[str] = []
    done = size = 0
    start = condition.find(name)
    while start >= 0:
        end = start + len(name)
        if _delimited(condition, start, end):
            left, right, comma = _bounds(condition, max(start, done), end, done)
            if not text and not comma and right < len(condition) and condition[right] == ",":
                right += 1
            elif not text and comma:
                left -= 1
            parts += (condition[done:left], " " if left > 0 else "", text, " ")
            size += left - done + len(text) + 2
            if size > parser.MAX_LENGTH:
                raise ConditionError(f"with list {name} put in, the condition is too long", condition, start)
            done = end = right
        start = condition.find(name, end)
    return "".join([*parts, condition[done:]]) if parts else None


def _delimited(condition: str, start: int, end: int) -> bool:
    before = start == 0 or condition[start - 1] in DELIMITERS
    return before and (end >= len(condition) or condition[end] in DELIMITERS)


def _bounds(condition: str, start: int, end: int, floor: int) -> tuple[int, int, bool]:
    """The name with the blanks around it, and whether a comma stands before."""
    while start > floor and condition[start - 1] in BLANKS:
        start -= 1
    while end < len(condition) and condition[end] in BLANKS:
        end += 1
    return start, end, start > floor and condition[start - 1] == ","
