"""differences(rendered, live) -> lines: where an admission object is no longer what was installed.

In: a webhook configuration, policy or binding as the chart rendered it, and as the API server has it. Out: a line for
each field that differs; none where it is the same. Called by `tampering`. Pure.

What podseal-certs sets later is expected: the rules of the annotation `podseal.dev/rules`, the paths of the annotation
`podseal.dev/paths` with a random end, and any caBundle; both rotate. What the API server fills in is known by name and
value: an unknown field, or a default that was changed, is a difference, since a selector or a condition more is how a
webhook is made to look away.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Tree = dict[str, Any]

RULES, PATHS = "podseal.dev/rules", "podseal.dev/paths"
IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})
ROTATING = frozenset({"caBundle"})
DEFAULTS: Mapping[str, object] = {
    "failurePolicy": "Fail",
    "matchConditions": [],
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "port": 443,
    "reinvocationPolicy": "Never",
    "scope": "*",
    "timeoutSeconds": 10,
}
"""Field -> what the API server puts there (k8s.io/kubernetes/pkg/apis/admissionregistration/v1/defaults.go)."""
END = re.compile(r"/[a-z0-9]+")
LONGEST = 100
EMPTY: tuple[object, ...] = (None, {}, [])


def differences(rendered: Tree, live: Tree) -> list[str]:
    """The fields that differ, as `path: is …, installed was …`."""
    expected = _counting(rendered)
    rules, paths = (expected[name] if isinstance(expected[name], dict) else {} for name in (RULES, PATHS))
    found = _counting(live)
    if "webhooks" in expected:
        expected["webhooks"] = [
            _at({**each, "rules": rules.get(each["name"])}, paths.get(each["name"])) for each in expected["webhooks"]
        ]
    if isinstance(found.get("webhooks"), list):
        found["webhooks"] = [_without_end(each, paths.get(each.get("name"))) for each in found["webhooks"]]
    return list(_compare("", expected, found))


def _at(webhook: Tree, path: str | None) -> Tree:
    """The webhook with a path at its Service."""
    service = webhook.get("clientConfig", {}).get("service")
    if not isinstance(service, dict) or path is None:
        return webhook
    return {**webhook, "clientConfig": {**webhook["clientConfig"], "service": {**service, "path": path}}}


def _without_end(webhook: Tree, base: str | None) -> Tree:
    """A live webhook with its path as it was installed, if nothing but the random end was put to it."""
    path = ((webhook.get("clientConfig") or {}).get("service") or {}).get("path")
    if base is None or not isinstance(path, str) or not path.startswith(base):
        return webhook
    return _at(webhook, base) if END.fullmatch(path.removeprefix(base)) else webhook


def _counting(tree: Tree) -> Tree:
    """Everything but identity, metadata and status; of metadata the annotations with the rules and paths to be set."""
    kept = {key: value for key, value in tree.items() if key not in IDENTITY}
    annotations = (tree.get("metadata") or {}).get("annotations") or {}
    return kept | {name: _json(annotations.get(name)) for name in (RULES, PATHS)}


def _json(text: str | None) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _compare(path: str, expected: object, live: object) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(live, dict):
        for key in sorted({*expected, *live} - ROTATING):
            default = DEFAULTS.get(key)
            below = f"{path}.{key}" if path else key
            yield from _compare(below, expected.get(key, default), live.get(key, default))
    elif isinstance(expected, list) and isinstance(live, list) and len(expected) == len(live):
        for number, (one, other) in enumerate(zip(expected, live, strict=True)):
            yield from _compare(f"{path}[{number}]", one, other)
    elif expected != live and not (expected in EMPTY and live in EMPTY):
        yield f"{path}: is {_shown(live)}, installed was {_shown(expected)}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
