"""The reports: one file for each format, found by its presence. Each has `render(report, look) -> str`.

In: a `Report` and how it should look. Out: text. Called by `webhook.commands.check`. A new format is a new module here.
"""

import importlib
import pkgutil
from typing import Protocol, cast

from msgspec import Struct

from webhook.check import model
from webhook.check.terminal import Style
from webhook.policy.model import Mode


class Look(Struct, frozen=True):
    """What a report needs beside the findings. `failing` are the modes for which the run fails."""

    style: Style = Style()
    quiet: bool = False
    failing: frozenset[Mode] = frozenset({"deny"})


class Format(Protocol):
    """What each module here offers."""

    def render(self, report: model.Report, look: Look) -> str:
        """The report as text."""


def names() -> list[str]:
    """Every format."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Format:
    """One format; the others are not imported, since start-up counts."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))
