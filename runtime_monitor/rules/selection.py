"""Which rules are in force beyond what their files say: falco.yaml's `rules`.

In: Selections in their order, and a rule. Out: whether it is in force; the last selection that fits it counts. Pure.
Called by `ruleset`.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from runtime_monitor.rules import globs

SPECIAL = re.compile(r"([\\?\[])")
"""What a glob has beside `*`; the names of rules may hold them as they are."""
MAX_NAME = 1000


class Selection(Struct, frozen=True):
    """Enables or disables the rules of a name, in which `*` stands for anything, or of a tag."""

    enable: bool
    rule: str = ""
    tag: str = ""

    def fits(self, name: str, tags: Iterable[str]) -> bool:
        """Whether it is about a rule."""
        if self.tag:
            return self.tag in tags
        return globs.matcher(SPECIAL.sub(r"\\\1", self.rule))(name)


def enabled(selections: Iterable[Selection], name: str, tags: Iterable[str], *, otherwise: bool) -> bool:
    """Whether a rule is in force; `otherwise` is what its file says."""
    for selection in selections:
        if selection.fits(name, tags):
            otherwise = selection.enable
    return otherwise
