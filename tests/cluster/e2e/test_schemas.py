"""The rendered chart against the API server's own schemas, by kubeconform: what a pipeline without a cluster can check.

The schemas are those that the API server publishes (KEP-2896, /openapi/v3), written out for kubeconform with unknown
fields forbidden.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, build, waiting
from tests.manifests import chart, guarding, render

LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
KINDS = ("exemptions", "execsessions")
MONITORING = {"PodMonitor", "PrometheusRule", "ServiceMonitor"}
"""Kinds of the Prometheus operator, which the bed does not have."""


@pytest.fixture(scope="module")
def schemas(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a schema for each kind that the chart can make."""
    bed.admin("apply", "--server-side", "-f", str(guarding.CRDS))
    bed.admin("wait", "--for=condition=Established", *(f"crd/{each}.podseal.dev" for each in KINDS))
    group = "apis/podseal.dev/v1alpha1"
    waiting.until(lambda: group in bed.admin("get", "--raw", "/openapi/v3"), "the schemas of podseal's own kinds")
    folder = tmp_path_factory.mktemp("schemas")
    index = json.loads(bed.admin("get", "--raw", "/openapi/v3"))["paths"]
    rendered = [*chart.objects(chart.ALL_OPTIONS), *chart.parse(render.INSTALL.read_text())]
    kinds = {(each["apiVersion"], each["kind"]) for each in rendered if each["kind"] not in MONITORING}
    for version in {version for version, _ in kinds}:
        path = f"apis/{version}" if "/" in version else f"api/{version}"
        published = json.loads(bed.admin("get", "--raw", index[path]["serverRelativeURL"]))["components"]["schemas"]
        for definition in published.values():
            forbid_unknown(definition)
        for kind in (kind for each, kind in kinds if each == version):
            whole = {
                "$ref": f"#/components/schemas/{named(published, version, kind)}",
                "components": {"schemas": published},
            }
            (folder / file_name(version, kind)).write_text(json.dumps(whole))
    return folder


def forbid_unknown(schema: Any) -> None:  # noqa: ANN401 -- any part of a schema
    """Make every object with named fields refuse others."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            forbid_unknown(part)
    elif isinstance(schema, list):
        for part in schema:
            forbid_unknown(part)


def named(published: dict[str, Any], version: str, kind: str) -> str:
    """The name of a kind's schema among those of its group."""
    group, _, plain = version.rpartition("/")
    wanted = {"group": group, "version": plain, "kind": kind}
    (name,) = (
        name for name, schema in published.items() if wanted in schema.get("x-kubernetes-group-version-kind", [])
    )
    return name


def file_name(version: str, kind: str) -> str:
    """What LOCATION becomes for a kind."""
    group, slash, plain = version.partition("/")
    return f"{kind.lower()}-{group.split('.')[0]}{'-' + plain if slash else ''}.json"


def kubeconform(text: str, schemas: Path) -> dict[str, Any]:
    """What kubeconform says of manifests."""
    flags = (
        "-strict",
        "-output=json",
        f"-skip={','.join(sorted(MONITORING))}",
        f"-schema-location={schemas}/{LOCATION}",
    )
    done = subprocess.run(
        [build.find("kubeconform"), *flags, "-summary"], input=text, capture_output=True, text=True, check=False
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("values", [{}, chart.ALL_OPTIONS], ids=["default", "everything"])
def test_every_object_fits_its_schema(schemas: Path, values: chart.Values) -> None:
    """Valid one by one; skipped are the three kinds that have no schema here, and no more."""
    said = kubeconform(chart.render(values), schemas)
    assert said["resources"] == [], said
    skipped = len(MONITORING) if values else 0
    valid = len(chart.objects(values)) - skipped
    assert said["summary"] == {"valid": valid, "invalid": 0, "errors": 0, "skipped": skipped}


def test_install_yaml_fits_its_schemas(schemas: Path) -> None:
    """The file that is handed out without Helm."""
    summary = kubeconform(render.INSTALL.read_text(), schemas)["summary"]
    assert (summary["invalid"], summary["errors"]) == (0, 0)
    assert summary["valid"] > 12


def test_an_unknown_field_is_found(schemas: Path) -> None:
    """The schemas are strict: the test above can fail."""
    text = chart.render().replace("replicas: 2", "replicaz: 2")
    assert kubeconform(text, schemas)["summary"]["invalid"] == 1
