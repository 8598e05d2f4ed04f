"""What a rules file requires of the engine: a version, and plugins.

In: a `items.Requirement`. Out: nothing, or a RuleError. Called by `ruleset`. The engine is the language of Falco's
engine 0.57.0, which the stock rules require; what Falco's plugin `container` gives is built in.
"""

import re

from runtime_monitor.rules.items import Requirement
from runtime_monitor.rules.problems import RuleError

ENGINE = (0, 57, 0)
PLUGINS = {"container": (0, 7, 0)}
"""What is built in, as the version whose fields are there."""
VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+].*)?")
INVALID = "LOAD_ERR_VALIDATE"

Version = tuple[int, int, int]


def check(requirement: Requirement) -> None:
    """Pass, or say what is missing.

    Raises:
        RuleError: a version that is none, an engine too new, a plugin that is not there.
    """
    if requirement.engine:
        _engine(requirement)
    elif not any(_satisfied(name, _version(version, requirement)) for name, version in requirement.plugins):
        wanted = " or ".join(f"{name} {version}" for name, version in requirement.plugins)
        there = ", ".join(f"{name} {'.'.join(map(str, version))}" for name, version in PLUGINS.items())
        raise RuleError(INVALID, f"requires the plugin {wanted}; built in is {there}", requirement.place)


def _engine(requirement: Requirement) -> None:
    text = requirement.engine
    wanted = (0, int(text), 0) if text.isascii() and text.isdigit() and len(text) < 10 else _version(text, requirement)  # noqa: PLR2004 -- an integer N is version 0.N.0
    if wanted[0] != ENGINE[0] or wanted > ENGINE:
        have = ".".join(map(str, ENGINE))
        message = f"requires engine {'.'.join(map(str, wanted))}, this one speaks {have}: take rules for that version"
        raise RuleError(INVALID, message, requirement.place)


def _satisfied(name: str, wanted: Version) -> bool:
    """The same major version and at least the wanted one, as Falco compares plugins."""
    have = PLUGINS.get(name)
    return have is not None and have[0] == wanted[0] and have >= wanted


def _version(text: str, requirement: Requirement) -> Version:
    found = VERSION.fullmatch(text)
    if not found:
        raise RuleError(INVALID, f"{text!r} is no version: expected three numbers with dots", requirement.place)
    major, minor, patch = map(int, found.groups())
    return major, minor, patch
