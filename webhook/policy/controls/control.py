"""The form of a control: what its file declares, in the four parts that every file here has.

1. a docstring that names the fields, the allowed values and why; 2. `check`, one function per rule;
3. `fix`, where a mutation can repair it; 4. the record `CONTROL`, whose rules are the version table.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from webhook.policy import containers, model

Check = Callable[[containers.PodView], Iterable[model.Violation]]
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
