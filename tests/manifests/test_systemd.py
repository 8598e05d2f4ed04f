"""The units for a machine without Kubernetes, by systemd's own judgement."""

import pathlib
import re
import subprocess

import pytest

from tests.runtime_monitor import parts

UNITS = pathlib.Path(__file__).parents[2] / "manifests" / "systemd"
MOST_EXPOSURE = {"podseal-sensor.service": 60, "podseal-feed.service": 20}
"""systemd-analyze's exposure, in tenths: what the sensor may is its purpose, the feed may nothing."""

pytestmark = pytest.mark.packages


@pytest.fixture(scope="module", autouse=True)
def systemd() -> None:
    """Its tools; no machine has to run it."""
    parts.require({"systemd": "/usr/bin/systemd-analyze"})


@pytest.fixture
def unit(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> pathlib.Path:
    """A unit whose program is one that every machine has."""
    name = str(request.param)
    text = (UNITS / name).read_text()
    copy = tmp_path / name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return copy


def analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("unit", sorted(MOST_EXPOSURE), indirect=True)
def test_systemd_understands_every_line(unit: pathlib.Path) -> None:
    """No unknown key, no wrong value."""
    outcome = analyse("verify", "--recursive-errors=no", "--man=no", str(unit))
    assert (outcome.returncode, outcome.stdout + outcome.stderr) == (0, "")


@pytest.mark.parametrize("unit", sorted(MOST_EXPOSURE), indirect=True)
def test_little_is_exposed(unit: pathlib.Path) -> None:
    """By systemd's own list of what a service could be denied."""
    outcome = analyse("security", "--offline=yes", f"--threshold={MOST_EXPOSURE[unit.name]}", "--no-pager", str(unit))
    assert outcome.returncode == 0, outcome.stdout[-1500:]


def test_the_group_is_made_by_sysusers(tmp_path: pathlib.Path) -> None:
    """In an empty root."""
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "podseal.sysusers")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert "podseal:" in (tmp_path / "etc" / "group").read_text()
