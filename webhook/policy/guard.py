"""guard(old, new) -> rights: what somebody must hold to change a namespace's podseal labels and annotations so.

In: labels and annotations before and after (nothing before a CREATE). Out: the resourceNames on which the RBAC verb
`grant` on `exemptions.podseal.dev` is needed; none where the change is free. Called by `podseal check` and by tests: in
a cluster the ValidatingAdmissionPolicy of the chart says the same inside the API server, and one table of cases runs
through both.

Free are: removing a waiver, shortening it, narrowing it for the first time, and making a label stricter. All else about
a `podseal.dev/` key needs the right, so that nobody exempts themselves (open-policy-agent/gatekeeper-library#159,
kyverno/kyverno#5138).
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from webhook.policy import controls, labels

OTHER = "label.other"
DATE_OR_PERMANENT = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}|{labels.PERMANENT}", re.ASCII)


class NamespaceKeys(Struct, frozen=True):
    """The labels and annotations of a namespace."""

    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


def guard(old: NamespaceKeys, new: NamespaceKeys) -> frozenset[str]:
    """The names on which the verb `grant` is needed: control ids, or `label.<name>`."""
    needed = {
        right(key)
        for key in _changed(old.labels, new.labels)
        if not _label_is_free(key, old.labels.get(key), new.labels.get(key))
    }
    needed |= {
        right(key) for key in _changed(old.annotations, new.annotations) if not _annotation_is_free(key, old, new)
    }
    return frozenset(needed)


def right(key: str) -> str:
    """The resourceName that stands for a key.

    `exempt.<control>` and its annotations are the control's; `enforce` and `enforce-version` are `label.enforce`;
    every key that means nothing is `label.other`. The names are a closed set because CEL's budget allows an expression
    two questions to the authorizer (350,000 units each of 1,000,000: k8s.io/apiserver/pkg/cel/library), so that the
    ValidatingAdmissionPolicy must have one expression for each name.
    """
    name = key.removeprefix(labels.PREFIX)
    if name.startswith(labels.EXEMPT):
        control = name.removeprefix(labels.EXEMPT).partition(".")[0]
        return control if control in controls.CONTROLS else OTHER
    plain = name.removesuffix(labels.VERSION_SUFFIX)
    known = plain in (labels.ORDERED_VALUES if plain == name else labels.VERSIONED)
    return f"label.{plain}" if known else OTHER


def rights() -> tuple[str, ...]:
    """Every name that `right` can give: the objects of the kind Exemption."""
    return (*controls.CONTROLS, *(f"label.{name}" for name in labels.ORDERED_VALUES), OTHER)


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    keys = sorted({*old, *new})
    return [key for key in keys if key.startswith(labels.PREFIX) and old.get(key) != new.get(key)]


def _label_is_free(key: str, before: str | None, after: str | None) -> bool:
    name = key.removeprefix(labels.PREFIX)
    if right(key) == OTHER:
        return False
    if name.startswith(labels.EXEMPT):
        if after is None:
            return True
        # ISO dates, and `permanent` after every one of them, compare as strings: CEL does the same.
        comparable = before is not None and all(map(DATE_OR_PERMANENT.fullmatch, (before, after)))
        return comparable and after <= (before or "")
    order = labels.ORDERED_VALUES.get(name, ())
    return before in order and after in order and order.index(after) > order.index(before)


def _annotation_is_free(key: str, old: NamespaceKeys, new: NamespaceKeys) -> bool:
    name = key.removeprefix(labels.PREFIX)
    if right(key) == OTHER or not name.startswith(labels.EXEMPT):
        return False
    control, _, detail = name.removeprefix(labels.EXEMPT).partition(".")
    label = f"{labels.PREFIX}{labels.EXEMPT}{control}"
    if key not in new.annotations:
        # What is left of a waiver that is gone may be tidied up.
        return label not in new.labels
    return detail in labels.NARROWING and key not in old.annotations and label in old.labels
