"""The release workflow: the step that does not need a registry is run, the rest is read."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import build
from tests.manifests import chart

WORKFLOW = chart.ROOT / ".github" / "workflows" / "release.yml"


def steps() -> dict[str, dict[str, Any]]:
    """The steps by their names."""
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return {step["name"]: step for step in jobs["release"]["steps"] if "name" in step}


@pytest.mark.tools
@pytest.mark.usefixtures("helm")
def test_the_packaged_chart_names_the_image_by_its_digest(tmp_path: Path) -> None:
    """The step's own script, on a copy of the chart."""
    shutil.copytree(chart.CHART, tmp_path / "manifests" / "helm" / "podseal")
    environment = {
        "IMAGE": "registry.example/podseal",
        "TAG": "v1.2.3",
        "BUILT": f"registry.example/podseal@{chart.DIGEST}",
        "PATH": f"{build.find('helm').parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    script = steps()["Package the chart"]["run"]
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=True)
    rendered = chart.parse(
        chart.helm("template", str(tmp_path / "podseal-1.2.3.tgz"), f"--kube-version={build.KUBERNETES_VERSION}")
    )
    images = {
        each["image"]
        for found in rendered
        if found["kind"] in ("Deployment", "Job")
        for each in found["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"registry.example/podseal@{chart.DIGEST}"}


def test_the_resolved_base_is_the_dockerfiles() -> None:
    """One name in both; the Dockerfile's own has no digest, as one would age there."""
    (default,) = [
        line.removeprefix("ARG BASE=")
        for line in (chart.ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("ARG BASE=")
    ]
    assert "@" not in default
    assert f"docker pull --quiet {default}\n" in steps()["Resolve the base"]["run"]
    assert '--build-arg BASE="$BASE"' in steps()["Build and push the image"]["run"]


def test_scripts_are_valid_and_take_no_expression() -> None:
    """Bash parses each; whatever comes from outside comes through the environment (no script injection)."""
    for name, step in steps().items():
        assert "${{" not in step["run"], name
        subprocess.run(["bash", "-n", "-c", step["run"]], check=True)
