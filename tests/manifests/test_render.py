"""What is committed but made is what would be made now."""

import json
import pathlib
from typing import Any

import pytest
import yaml

from tests.manifests import chart, render

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("helm")]


@pytest.mark.parametrize("path", render.MADE, ids=lambda path: path.name)
def test_a_made_file_is_up_to_date(path: pathlib.Path) -> None:
    """`make manifests` would change nothing."""
    written = path.read_text()
    assert written == render.MADE[path](written), "run `make manifests`"


def leaves(tree: dict[str, Any], described: set[str], prefix: str = "") -> set[str]:
    """The names of values, as deep as values.yaml describes them."""
    found = set()
    for key, value in tree.items():
        name = prefix + key
        nested = name not in described and isinstance(value, dict)
        found |= leaves(value, described, f"{name}.") if nested else {name}
    return found


def test_every_value_is_described() -> None:
    """No value lacks its comment, so the table in the chart's README is complete."""
    text = render.VALUES.read_text()
    described = {name for name, _, _ in render.values(text)}
    assert leaves(yaml.safe_load(text), described) == described


def test_the_schema_knows_the_values_and_no_others() -> None:
    """Both say the same names; `global` is Helm's own."""
    properties = json.loads(render.SCHEMA.read_text())["properties"]
    text = render.VALUES.read_text()
    described = {name for name, _, _ in render.values(text)}

    def names(schema: dict[str, Any], prefix: str) -> set[str]:
        found = set()
        for key, value in schema.items():
            name = prefix + key
            found |= {name} if name in described else names(value.get("properties", {}), f"{name}.")
        return found

    assert names(properties, "") == described
    assert set(properties) - set(yaml.safe_load(text)) == {"global"}


def test_install_takes_configurations_first_and_hooks_never() -> None:
    """Without Helm nothing runs before the deletion, so what could block the cluster is deleted first; records stay."""
    installed = chart.parse(render.INSTALL.read_text())
    kinds = [each["kind"] for each in installed]
    assert kinds[:3] == ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "Namespace"]
    rendered = [each["kind"] for each in chart.objects(None, "--no-hooks")]
    assert sorted([*kinds, "CustomResourceDefinition"]) == sorted([*rendered, "Namespace"])
    assert not [each for each in installed if "helm.sh/hook" in each["metadata"].get("annotations", {})]
