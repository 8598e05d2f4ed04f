"""Every control of podseal: one file each, found by its presence in this folder.

In: nothing. Out: `CONTROLS`, id -> Control, and `rules(level)`, the frozen table of what a profile checks at a version.
Read by `webhook.policy.decide`, by `podseal explain` and by the generated reference table.
A new control is a new module here with a `CONTROL`; there is no list to edit. What each module declares is checked
when the package is imported: a mistake stops the program before it decides anything.
"""

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from webhook.policy import model
from webhook.policy.controls.control import Check, Control, Fix, Rule

RANK: Mapping[str, int] = MappingProxyType({"off": 0, "baseline": 1, "default": 2, "strict": 3})


def _load() -> Mapping[str, Control]:
    found: dict[str, Control] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name == "control":
            continue
        control: Control = importlib.import_module(f"{__name__}.{module.name}").CONTROL
        if control.id.replace("-", "_") != module.name:
            raise ValueError(f"controls/{module.name}.py: its id is {control.id!r}, which belongs in another file")
        _validate(control)
        found[control.id] = control
    return MappingProxyType(found)


def _validate(control: Control) -> None:
    if not control.rules:
        raise ValueError(f"control {control.id}: no rule, so no profile would ever check it")
    seen = set()
    for rule in control.rules:
        if rule.profile not in RANK or rule.profile == "off":
            raise ValueError(f"control {control.id}: {rule.profile!r} is no profile")
        if not 1 <= rule.since <= model.NEWEST_VERSION:
            raise ValueError(f"control {control.id}: a rule is said to exist since v{rule.since}, which is no version")
        if (rule.profile, rule.since) in seen:
            raise ValueError(f"control {control.id}: two rules for {rule.profile} since v{rule.since}")
        seen.add((rule.profile, rule.since))


CONTROLS: Mapping[str, Control] = _load()


@functools.cache
def rules(level: model.Level) -> Mapping[str, Rule]:
    """Control id -> the rule in force for a profile at a version, in the order of the ids.

    A profile takes over the weaker profiles' rules; its own rule for a control replaces theirs. Within a profile the
    newest rule that the version knows counts, so that an old version keeps its meaning.
    """
    table: dict[str, Rule] = {}
    for control in CONTROLS.values():
        known = [
            rule for rule in control.rules if rule.since <= level.version and RANK[rule.profile] <= RANK[level.profile]
        ]
        if known:
            table[control.id] = max(known, key=lambda rule: (RANK[rule.profile], rule.since))
    return MappingProxyType(table)


__all__ = ["CONTROLS", "RANK", "Check", "Control", "Fix", "Rule", "rules"]
