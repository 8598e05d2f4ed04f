"""Edits to RFC 6902 operations: a table of both, and jsonpatch to apply every one."""

import copy
from pathlib import Path
from typing import Any

import jsonpatch
import jsonpointer
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import model, patch, workloads

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "patch.yaml").read_text())


def edits_of(case: dict[str, Any]) -> list[model.Edit]:
    """The edits that a case names."""
    return [getattr(model, kind)(**fields) for kind, fields in case["edits"]]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_edits_become_the_operations_of_the_table(case: dict[str, Any]) -> None:
    """The operations are exactly these, and jsonpatch applies them to the pod."""
    operations = patch.operations(edits_of(case), msgspec.convert(case["pod"], workloads.BarePod))
    assert operations == case["operations"]
    jsonpatch.apply_patch(copy.deepcopy(case["pod"]), operations)


@pytest.mark.parametrize("parents", ["absent", "null"])
def test_null_and_absent_parents_are_made(parents: str) -> None:
    """Every parent that an edit needs may be missing in both ways, and the result is the same."""
    missing = {} if parents == "absent" else dict.fromkeys(("securityContext", "volumeMounts"))
    spec: dict[str, Any] = {"containers": [{"name": "a", "image": "i", **missing}]}
    tree: dict[str, Any] = {"metadata": {}, "spec": spec}
    if parents == "null":
        spec |= {"volumes": None, "initContainers": None}
        tree["metadata"] = None
    edits: list[model.Edit] = [
        model.SetReadOnlyRoot("containers", 0),
        model.AddEmptyDir("v", "1Gi"),
        model.AddMount("containers", 0, "v", "/v"),
        model.AddSeedContainer("s", "containers", 0, "v", "/v"),
        model.Annotate("a", "b"),
    ]
    after = jsonpatch.apply_patch(tree, patch.operations(edits, msgspec.convert(tree, workloads.BarePod)))
    assert after["metadata"] == {"annotations": {"a": "b"}}
    assert after["spec"]["volumes"] == [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]
    assert [each["name"] for each in after["spec"]["initContainers"]] == ["s"]
    assert after["spec"]["containers"][0] == {
        "name": "a",
        "image": "i",
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }


@given(st.text())
def test_a_key_survives_its_pointer(key: str) -> None:
    """A JSON Pointer made of any key leads back to that key."""
    assert jsonpointer.JsonPointer(f"/{patch.pointer(key)}").parts == [key]
