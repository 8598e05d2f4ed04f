"""The wheel brings the kernel's programs along: where it is installed, no compiler is needed."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

from runtime_monitor.bpf import build
from tests.kernel import able

pytestmark = pytest.mark.kernel
ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """What `pip wheel .` makes of a copy of the sources that has no objects."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, files)):
        if name.startswith(("webhook/", "certs/", "runtime_monitor/")) or "/" not in name:
            target = folder / "sources" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", folder / "made", folder / "sources"], check=True)
    (made,) = (folder / "made").iterdir()
    return made


def test_it_is_for_this_platform_and_any_python(wheel: pathlib.Path) -> None:
    """The objects have a byte order, but nothing is linked against an interpreter."""
    assert "-py3-none-linux_" in wheel.name


def test_it_has_an_object_of_every_source(wheel: pathlib.Path) -> None:
    """One a concern."""
    names = {pathlib.Path(name).name for name in zipfile.ZipFile(wheel).namelist()}
    assert {f"{source.stem}.o" for source in build.sources()} <= names


def test_a_sensor_of_the_wheel_sees_without_a_compiler(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Installed elsewhere, with nothing on PATH that compiles."""
    able.to_load_programs()
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(tmp_path), str(wheel)], check=True)
    script = (
        "import sys, runtime_monitor.cli as cli\n"
        "assert cli.__file__.startswith(sys.argv[1]), cli.__file__\n"
        "sys.modules['ziglang'] = None\n"
        "cli.main(['selftest', '--only', 'open-for-writing'])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        cwd=tmp_path,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 seen" in run.stdout
