"""What the chart ships so that nobody grants themselves an exemption: made of the tables that the webhook reads.

In: labels, controls, `manifests/crds`. Out: text for the chart's files. Called by `tests.manifests.render`.
The templates hold nothing to render but the labels that all of the chart's objects have.
"""

import collections.abc
import pathlib
from typing import Any

import yaml

from webhook.policy import controls, guard, guard_cel, labels

CRDS = pathlib.Path(__file__).resolve().parents[2] / "manifests" / "crds"
KEEP = {"helm.sh/resource-policy": "keep"}
_LABELS = "labels: LABELS\n"
_MADE = "# Made by `make manifests` from {source}; not to be edited.\n"

Object = dict[str, Any]


def policy(_: str = "") -> str:
    """The guard: a ValidatingAdmissionPolicy and its binding."""
    head = (
        "# Every creation or change of a podseal.dev/ label or annotation of a namespace needs a right, on any route.\n"
        "# It runs inside the API server: namespaces come and go with no pod of podseal.\n"
    )
    return head + _template("webhook/policy/guard_cel.py", [guard_cel.policy(), guard_cel.binding()])


def exemptions(_: str = "") -> str:
    """An object of the kind Exemption for each right."""
    return _template("the controls and labels that there are", [_exemption(right) for right in guard.rights()])


def roles(_: str = "") -> str:
    """ClusterRoles for whoever is to grant; bound to nobody."""
    head = (
        "# To bind by a ClusterRoleBinding to those who answer for exemptions, beside the right to change namespaces.\n"
        "# Neither is aggregated to view, edit or admin.\n"
    )
    made = [
        _role("podseal-exemption-granter", list(controls.CONTROLS)),
        _role("podseal-label-granter", [right for right in guard.rights() if right not in controls.CONTROLS]),
    ]
    return head + _template("the controls and labels that there are", made)


def exemption_crd(_: str = "") -> str:
    """The definition of Exemption, which Helm makes before anything else, since the chart has such objects."""
    return _MADE.format(source="manifests/crds") + (CRDS / "exemptions.podseal.dev.yaml").read_text()


def session_crd(_: str = "") -> str:
    """The definition of ExecSession: a template, so that an upgrade brings its new fields."""
    head = (
        "# Kept when podseal is uninstalled: with the definition every ExecSession would go, and they are records.\n"
        "# In templates, and not in crds/, because Helm never upgrades what lies there.\n"
    )
    definition = yaml.safe_load((CRDS / "execsessions.podseal.dev.yaml").read_text())
    definition["metadata"]["annotations"] = KEEP
    return head + _template("manifests/crds", [definition])


def _exemption(right: str) -> Object:
    title, docs = _words(right)
    return {
        "apiVersion": f"{labels.GROUP}/v1alpha1",
        "kind": "Exemption",
        "metadata": {"name": right},
        "spec": {"title": title, "docs": docs},
    }


def _words(right: str) -> tuple[str, str]:
    if right in controls.CONTROLS:
        control = controls.CONTROLS[right]
        key = f"{labels.PREFIX}{labels.EXEMPT}{right}"
        return control.title, f"{control.why} The right lets its holder set and prolong {key} on a namespace."
    if right == guard.OTHER:
        unknown = f"Names under {labels.PREFIX} that this podseal does not know, and a later one may."
        return "Any other key of podseal's", unknown
    name = right.removeprefix("label.")
    keys = [labels.PREFIX + name, *([f"{labels.PREFIX}{name}-version"] if name in labels.VERSIONED else [])]
    values = ", ".join(labels.ORDERED_VALUES[name])
    return labels.MEANINGS[name], f"The right lets its holder loosen {' and '.join(keys)} on a namespace ({values})."


def _role(name: str, rights: list[str]) -> Object:
    exemptions_of = {"apiGroups": [labels.GROUP], "resources": ["exemptions"]}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {**exemptions_of, "resourceNames": rights, "verbs": ["grant"]},
            {**exemptions_of, "verbs": ["get", "list", "watch"]},
        ],
    }


def _template(source: str, objects: collections.abc.Iterable[Object]) -> str:
    documents = []
    for each in objects:
        metadata = {"name": each["metadata"]["name"], "labels": "LABELS", **each["metadata"]}
        dumped = yaml.safe_dump({**each, "metadata": metadata}, sort_keys=False, width=120, allow_unicode=True)
        documents.append(dumped.replace(_LABELS, 'labels: {{- include "podseal.labels" . | nindent 4 }}\n', 1))
    return _MADE.format(source=source) + "---\n".join(documents)
