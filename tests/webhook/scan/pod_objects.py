"""Pods as the API server lists them: a clean one, and changes to it.

In: a name and what differs. Out: JSON trees, or `pods.Pod`s. Used by the tests of this folder.
"""

import copy
import functools
from datetime import UTC, datetime
from typing import Any

import msgspec
import yaml

from tests.webhook.policy.controls import cases
from webhook import settings
from webhook.policy import catalogue, guard, model
from webhook.scan import judge, pods

Json = dict[str, Any]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICIES = settings.Policies(model.Defaults(), catalogue.EMPTY, settings.Exempt())
RULES = judge.Rules(POLICIES, NOW)
PRIVILEGED = {"securityContext": {"privileged": True, "allowPrivilegeEscalation": None}}
WAIVED = guard.NamespaceKeys(
    {"podseal.dev/exempt.privileged": "2027-01-31", "podseal.dev/exempt.host-path": "2026-11-30"},
    {"podseal.dev/exempt.privileged.reason": "legacy agent", "podseal.dev/exempt.privileged.ticket": "SEC-1"},
)


def tree(name: str = "web", namespace: str = "shop", *, container: Json | None = None, **parts: Json) -> Json:
    """A pod: `container` and `parts` (spec, metadata, status) are merged into the clean one."""
    minimal = _minimal()
    made: Json = {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**minimal["pod"]["spec"], "containers": [minimal["container"]]},
        "status": {"phase": "Running"},
    }
    merged = _merged(made, parts)
    merged["spec"]["containers"][0] = _merged(merged["spec"]["containers"][0], container or {})
    return merged


@functools.cache
def _minimal() -> Json:
    found: Json = yaml.safe_load((cases.FOLDER / "minimal.yaml").read_text())
    return found


def _merged(base: Json, change: Json) -> Json:
    result = copy.deepcopy(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def pod(name: str = "web", namespace: str = "shop", **changes: Json) -> pods.Pod:
    """The same as it is decoded."""
    return msgspec.convert(tree(name, namespace, **changes), pods.Pod)


def owned(kind: str, name: str, **labels: str) -> Json:
    """Metadata of a pod with a controller."""
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}], "labels": labels}
