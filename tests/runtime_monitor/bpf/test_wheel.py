"""The wheel carries the kernel's programs, so that no compiler is needed where it is installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runtime_monitor.bpf import build

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_the_wheel_has_every_object_and_says_for_which_machine(tmp_path: Path) -> None:
    """Built by the users' own command, in the environment that the test runs in."""
    environment = Path(sys.executable).parent.parent
    command = ("make", "-o", "setup", f"VENV={environment}", f"DIST={tmp_path}", "wheel")
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-manylinux_2_17_x86_64.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name).name for name in archive.namelist() if "/bpf/objects/" in name}
    assert names == {f"{source.stem}.o" for source in build.sources()}
