"""Fields of a securityContext that do not exist where they stand."""

import pytest

from webhook.check import fields

CASES: dict[str, tuple[object, dict[str, str]]] = {
    "all known": (
        {"spec": {"securityContext": {"fsGroup": 1}, "containers": [{"securityContext": {"privileged": False}}]}},
        {},
    ),
    "a container's field on the pod": (
        {"spec": {"securityContext": {"readOnlyRootFilesystem": True}}},
        {"spec.securityContext.readOnlyRootFilesystem": "set it in each container's securityContext"},
    ),
    "a pod's field on a container": (
        {"spec": {"initContainers": [{}, {"securityContext": {"fsGroup": 1}}]}},
        {"spec.initContainers[1].securityContext.fsGroup": "set it in the pod's securityContext"},
    ),
    "a misspelt field": (
        {"spec": {"ephemeralContainers": [{"securityContext": {"readonlyRootFilesystem": True}}]}},
        {"spec.ephemeralContainers[0].securityContext.readonlyRootFilesystem": "write readOnlyRootFilesystem"},
    ),
    "an invented field": ({"spec": {"securityContext": {"xyz": 1}}}, {"spec.securityContext.xyz": "remove it"}),
    "no pod": (None, {}),
    "no spec": ({"spec": None}, {}),
    "nothing is what it should be": ({"spec": {"securityContext": [], "containers": [None, "x"]}}, {}),
    "containers are no list": ({"spec": {"containers": {"a": {"securityContext": {"xyz": 1}}}}}, {}),
    "containers are a number": ({"spec": {"containers": 7}}, {}),
}


@pytest.mark.parametrize(("pod", "expected"), CASES.values(), ids=CASES.keys())
def test_unknown_fields_are_named_with_what_to_do(pod: object, expected: dict[str, str]) -> None:
    """Path to the end of the reason."""
    found = dict(fields.unknown(pod))
    assert found.keys() == expected.keys()
    for path, advice in expected.items():
        assert "protects nothing" in found[path]
        assert advice in found[path]
