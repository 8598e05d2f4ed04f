"""The names of every `podseal.dev/` label and annotation of a namespace, and the values that each may have.

One table for all who must agree: the parser (`exceptions`), the guard, `podseal explain`, the documentation.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from webhook.policy import model

GROUP = "podseal.dev"
PREFIX = f"{GROUP}/"
EXEMPT = "exempt."
PERMANENT = "permanent"
VERSION_SUFFIX = "-version"

PROFILES: tuple[model.Profile, ...] = ("off", "baseline", "default", "strict")
MUTATES: tuple[model.Mutate, ...] = ("off", "known", "all")
GATES: tuple[model.Gate, ...] = ("allow", "record", "deny")

ORDERED_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"enforce": PROFILES, "warn": PROFILES, "audit": PROFILES, "mutate": MUTATES, "exec": GATES, "connect": GATES}
)
"""Label (without prefix) -> its values, from the loosest to the strictest."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "enforce": "The profile below which pods are denied",
        "warn": "The profile below which whoever deploys is warned",
        "audit": "The profile below which the audit log tells",
        "mutate": "Which containers are repaired when they are created",
        "exec": "Whether people may bring code into running pods: exec, attach, debug, another image",
        "connect": "Whether people may reach pods through the API server: port-forward, proxies",
    }
)
"""Label (without prefix) -> what it decides."""

VERSIONED = ("enforce", "warn", "audit")
"""The labels that have a `-version` beside them."""

NARROWING = ("serviceaccounts", "images")
"""Annotations `podseal.dev/exempt.<control>.<detail>` that narrow a waiver; `reason` and `ticket` explain it."""


def is_known(name: str) -> bool:
    """Whether a label (without prefix) is one of ours; whether its control exists is the waiver's matter."""
    return name in ORDERED_VALUES or name.startswith(EXEMPT) or name in {f"{each}-version" for each in VERSIONED}


def unknown(name: str) -> str:
    """The problem text for a label that means nothing, with the nearest that does."""
    known = [*ORDERED_VALUES, *(f"{each}-version" for each in VERSIONED)]
    return f"{PREFIX}{name}: podseal knows no such label{nearest(name, known, PREFIX)}"


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`; did you mean X?`, or nothing where none is near."""
    import difflib  # noqa: PLC0415 -- only mistakes need it, and `podseal check` starts a tenth slower with it

    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{found[0]}?" if found else ""
