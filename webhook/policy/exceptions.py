"""Namespace labels -> the Policy that holds there.

In: the labels and annotations of a namespace, the settings' defaults and floors, the time. Out: a `Policy` with its
problems: what a label said that cannot be followed. Called by the webhook's app, `podseal check` and `scan`.
A label that cannot be read never loosens anything: the default holds, and the problem is told to whoever deploys.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import cast

from webhook.policy import controls, labels, model, waivers

VERSION = re.compile(r"v([1-9][0-9]{0,5})")
NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


def policy_for(
    namespace: str,
    namespace_labels: Mapping[str, str],
    defaults: model.Defaults,
    now: datetime,
    annotations: Mapping[str, str] = NO_ANNOTATIONS,
) -> model.Policy:
    """The policy of one namespace.

    Args:
        namespace: its name, against which floors match.
        namespace_labels: all its labels; those without our prefix are ignored.
        defaults: what the settings say.
        now: aware time; a date before it no longer exempts.
        annotations: all its annotations: reasons, tickets and what narrows a waiver.

    Returns:
        The policy. Its waivers are those that hold now; its problems are one line each, for people.
    """
    problems: list[str] = []
    ours = _ours(namespace_labels)
    floors = [floor for floor in defaults.floors if any(fnmatchcase(namespace, name) for name in floor.namespaces)]
    values = {name: _value(name, ours, defaults, floors, problems) for name in labels.ORDERED_VALUES}
    enforce, warn, audit = (
        model.Level(cast("model.Profile", values[name]), _version(name, ours, defaults, problems))
        for name in labels.VERSIONED
    )
    problems += [labels.unknown(name) for name in ours if not labels.is_known(name)]
    held = tuple(_above_floors(_waivers(ours, _ours(annotations), defaults, now, problems), floors, problems))
    return model.Policy(
        enforce=enforce,
        warn=warn,
        audit=audit,
        mutate=cast("model.Mutate", values["mutate"]),
        exec=cast("model.Gate", values["exec"]),
        connect=cast("model.Gate", values["connect"]),
        waivers=held,
        problems=tuple(problems),
        options=defaults.options,
    )


def _ours(values: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(labels.PREFIX): value or "" for key, value in values.items() if key.startswith(labels.PREFIX)
    }


def _value(
    name: str, ours: Mapping[str, str], defaults: model.Defaults, floors: Iterable[model.Floor], problems: list[str]
) -> str:
    """What a label of ordered values comes to: the label, else the default, never below a floor."""
    default = getattr(defaults, name)
    value: str = default.profile if isinstance(default, model.Level) else default
    order = labels.ORDERED_VALUES[name]
    said = ours.get(name)
    if said in order:
        value = said or value
    elif said is not None:
        problems.append(f"{labels.PREFIX}{name}={said}: is none of {', '.join(order)}; {value} holds")
    floor = max((getattr(floor, name) for floor in floors), key=order.index, default=order[0])
    if order.index(value) < order.index(floor):
        if said is not None:
            problems.append(
                f"{labels.PREFIX}{name}={said}: below this namespace's floor in the settings; {floor} holds"
            )
        return cast("str", floor)
    return value


def _version(name: str, ours: Mapping[str, str], defaults: model.Defaults, problems: list[str]) -> int:
    """The version of a profile: `v1`, or `latest`; the newest known where the label names a later one."""
    key = f"{name}-version"
    said = ours.get(key)
    if said is None:
        level: model.Level = getattr(defaults, name)
        return level.version
    if said == "latest":
        return model.NEWEST_VERSION
    match = VERSION.fullmatch(said)
    if not match:
        problems.append(f"{labels.PREFIX}{key}={said}: is no version; write v1 or latest; latest holds")
        return model.NEWEST_VERSION
    if int(match[1]) > model.NEWEST_VERSION:
        problems.append(f"{labels.PREFIX}{key}={said}: newer than this podseal knows; v{model.NEWEST_VERSION} holds")
    return min(int(match[1]), model.NEWEST_VERSION)


def _waivers(
    ours: Mapping[str, str],
    annotations: Mapping[str, str],
    defaults: model.Defaults,
    now: datetime,
    problems: list[str],
) -> Iterable[model.Waiver]:
    """The waivers that hold now."""
    for name, value in ours.items():
        if name.startswith(labels.EXEMPT):
            waiver, problem = waivers.parse(name, value, annotations, defaults, now)
            if waiver:
                yield waiver
            else:
                problems.append(problem)


def _above_floors(
    found: Iterable[model.Waiver], floors: Iterable[model.Floor], problems: list[str]
) -> Iterable[model.Waiver]:
    """The waivers for controls that no floor enforces: deleting and recreating a namespace gains nothing."""
    none: model.Profile = "off"
    floor = max((floor.enforce for floor in floors), key=labels.PROFILES.index, default=none)
    enforced = controls.rules(model.Level(floor))
    for waiver in found:
        if waiver.control in enforced:
            problems.append(
                f"{waiver.label}: the settings' floor for this namespace is {floor}, which no label exempts from"
            )
        else:
            yield waiver
