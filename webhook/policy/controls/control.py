"""The form of a control: what its file declares, in the four parts that every file here has.

1. a docstring that names the fields, the allowed values and why; 2. `check`, one function per rule;
3. `fix`, where a mutation can repair it; 4. the record `CONTROL`, whose rules are the version table.
"""

import json
from collections.abc import Callable, Sequence

from msgspec import UNSET, Struct

from webhook.policy import containers, model

LONGEST_SHOWN = 120
"""Characters of a value that a finding shows: the pod's author chooses the value, and it goes to logs and headers."""

Check = Callable[[containers.PodView], Sequence[model.Violation]]
Fix = Callable[[containers.ContainerView], model.Edit | None]


class Rule(Struct, frozen=True):
    """A check that a profile makes since a version. An old version's function is never edited: add a rule."""

    profile: model.Profile
    since: int
    check: Check


class Control(Struct, frozen=True):
    """One control: texts for people, and its rules.

    `allowed` and `fix_hint` complete each finding that does not bring its own. `pod_security` names the checks of
    Pod Security admission that this control covers, by their ids there. `fix` gives the edit that repairs one
    container, None where that container must not be touched.
    """

    id: str
    title: str
    why: str
    fields: tuple[str, ...]
    allowed: str
    fix_hint: str
    rules: tuple[Rule, ...]
    pod_security: tuple[str, ...] = ()
    fix: Fix | None = None


def shown(value: object) -> str:
    """A value as JSON has it, in ASCII and cut where it is long; null and absent are `not set`."""
    if value is None or value is UNSET:
        return "not set"
    # dumps does the same for a string, ten times slower, and most values are strings.
    text = json.encoder.encode_basestring_ascii(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
