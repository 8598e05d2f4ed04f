"""What the commands that report share: the option -o, writing a report, and when a run fails.

In: an option's text, a report's bytes. Out: an `Output`, a file. Called by `webhook.commands.check` and `scan`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import click
from click.shell_completion import CompletionItem
from msgspec import Struct

from webhook.policy import model

EXIT_FINDINGS, EXIT_UNUSABLE = 1, 2

FailOn = Literal["deny", "warn", "audit", "never"]
FAILING: dict[FailOn, frozenset[model.Mode]] = {
    "deny": frozenset({"deny"}),
    "warn": frozenset({"deny", "warn"}),
    "audit": frozenset({"deny", "warn", "audit"}),
    "never": frozenset(),
}


class Output(Struct, frozen=True):
    """One report to write; no file means standard output."""

    format: str
    file: str = ""


class OutputType(click.ParamType[Output]):
    """FORMAT or FORMAT=FILE, of the formats that `names` lists when asked."""

    name = "FORMAT[=FILE]"

    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:  # noqa: ANN401 -- click's signature
        """Refuse unknown formats, naming those there are."""
        if isinstance(value, Output):
            return value
        name, _, file = str(value).partition("=")
        if name not in self._names():
            self.fail(f"{name!r} is no format; choose from {', '.join(self._names())}", param, ctx)
        return Output(name, file)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What a shell offers."""
        del ctx, param
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


def write(path: str, content: bytes) -> None:
    """Write a file.

    Raises:
        click.UsageError: it cannot be written.
    """
    try:
        with open(path, "wb") as file:  # noqa: PTH123 -- pathlib costs start-up
            file.write(content)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from error
