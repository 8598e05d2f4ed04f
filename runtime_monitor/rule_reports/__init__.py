"""The reports of `podseal-monitor rules check`: one file a format, found by its presence, with `render(report) -> str`.

In: a Report. Out: text. Called by `runtime_monitor.commands.rules`. `podseal check` has reports of its own, over
findings in objects; what the two share is the formats' schemas, not their content, so neither imports the other.
"""

import importlib
import pkgutil
from typing import Protocol, cast

from msgspec import Struct

from runtime_monitor.rules.problems import Problem


class Report(Struct, frozen=True):
    """What was checked: names of the files, problems in the order in which they were seen, rules that hold."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    rules: int = 0

    def count(self, severity: str) -> int:
        """How many problems are of a severity."""
        return sum(problem.severity == severity for problem in self.problems)


class Format(Protocol):
    """What each module here offers."""

    def render(self, report: Report) -> str:
        """The report as text."""


def names() -> list[str]:
    """Every format."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Format:
    """One format; the others are not imported."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))
