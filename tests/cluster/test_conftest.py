"""A machine that lacks something skips with one line, or fails where nothing may be skipped."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.cluster import layouts, packages, requirements

REASON = "wait is not built: run `python3 -m tests.cluster.build` (once, some 15 minutes)"


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")], ids=["may skip", "may not"])
def test_a_missing_binary(able: None, tmp_path: pathlib.Path, required: str, outcome: str) -> None:
    """The reason is the same; what it counts as depends on the mode."""
    del able
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/cluster/endings/fails.py"],
        cwd=layouts.REPOSITORY,
        env={**os.environ, "PODSEAL_CACHE": str(tmp_path), "PODSEAL_REQUIRE_ALL": required, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert REASON in done.stdout


def test_not_root_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that is needed is said first."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(requirements.MissingError, match="the test cluster needs root"):
        packages.ensure()


def test_packages_that_cannot_be_installed_are_named(able: None, capsys: pytest.CaptureFixture[str]) -> None:
    """They are listed before apt-get runs, and again with its reason."""
    del able
    wanted = {"podseal-no-such-package": "/nowhere"}
    with pytest.raises(requirements.MissingError, match=r"apt-get .* install the packages podseal-no-such-package$"):
        packages.ensure(wanted)
    assert capsys.readouterr().out == "packages: installing podseal-no-such-package\n"
