"""The examples do what their comments say."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.manifests import chart
from webhook.policy import exceptions, model

EXAMPLES = chart.ROOT / "manifests" / "examples"
PODSEAL = Path(sys.executable).with_name("podseal")
NOW = datetime(2026, 11, 23, tzinfo=UTC)

DENIED = {
    "refused.yaml": {"privileged", "run-as-root", "writable-root-filesystem"},
    "repaired.yaml": set(),
    "sealed.yaml": set(),
}


@pytest.mark.parametrize(("name", "controls"), DENIED.items(), ids=DENIED.keys())
def test_check_denies_this_and_no_more(name: str, controls: set[str]) -> None:
    """By the default profile."""
    done = subprocess.run(
        [PODSEAL, "check", EXAMPLES / name, "-o", "json"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["findings"]
    assert {each["control"] for each in found if each["mode"] == "deny"} == controls


def test_only_the_image_of_the_sealed_example_could_be_said_better() -> None:
    """Its comment promises the profile `strict` for a digest."""
    done = subprocess.run(
        [PODSEAL, "check", EXAMPLES / "sealed.yaml", "--profile=strict", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert {each["control"] for each in json.loads(done.stdout)["findings"]} == {"image-digest"}


def test_labels_of_the_namespaces_are_understood() -> None:
    """Nothing in them is refused or without a meaning."""
    policies = {}
    for each in yaml.safe_load_all((EXAMPLES / "namespaces.yaml").read_text()):
        metadata = each["metadata"]
        policies[metadata["name"]] = exceptions.policy_for(
            metadata["name"], metadata["labels"], model.Defaults(), NOW, metadata.get("annotations", {})
        )
    assert [each.problems for each in policies.values()] == [(), ()]
    assert policies["payments"].enforce.profile == "strict"
    assert [each.control for each in policies["backup"].waivers] == ["host-path"]


@pytest.mark.tools
@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("path", sorted((EXAMPLES / "values").iterdir()), ids=lambda path: path.name)
def test_values_are_taken_by_the_chart(path: Path) -> None:
    """Each file changes what is rendered."""
    assert chart.render(yaml.safe_load(path.read_text())) != chart.render()


def test_every_example_is_in_the_table() -> None:
    """The README of the folder names all of them."""
    text = (EXAMPLES / "README.md").read_text()
    assert not [path.name for path in EXAMPLES.iterdir() if path.name != "README.md" and f"({path.name})" not in text]
