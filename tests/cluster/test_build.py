"""Binaries are built once per machine, also when two ask at once, and a machine that cannot build says why."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.cluster import build, layouts, requirements

BUILD_WAIT = (sys.executable, "-m", "tests.cluster.build", "wait")
GO = shutil.which("go") or "/nowhere/go"


@pytest.fixture(autouse=True)
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Keep the machine's own cache out of it."""
    monkeypatch.setenv("PODSEAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_two_callers_at_once_build_once(able: None) -> None:
    """One builds, the other waits for it and succeeds without a build."""
    del able
    callers = [
        subprocess.Popen(BUILD_WAIT, cwd=layouts.REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [caller.communicate(timeout=120)[0] for caller in callers]
    assert [caller.returncode for caller in callers] == [0, 0]
    assert "".join(outputs).count("build: wait ") == 1
    assert build.find("wait").stat().st_mode & 0o111


def test_what_is_built_is_not_built_again(able: None, capsys: pytest.CaptureFixture[str]) -> None:
    """The second call prints nothing and leaves the file alone."""
    del able
    build.ensure(["wait"])
    first = build.find("wait").stat().st_mtime_ns
    assert "build: wait " in capsys.readouterr().out
    build.ensure(["wait"])
    assert capsys.readouterr().out == ""
    assert build.find("wait").stat().st_mtime_ns == first


def test_the_folder_follows_the_sources(tmp_path: pathlib.Path) -> None:
    """Another go.sum, other sources or other flags make another binary."""
    module = tmp_path / "module"
    (module / "wait").mkdir(parents=True)
    for file in ("go.mod", "go.sum", "wait/main.go"):
        (module / file).write_bytes((build.FOLDER / file).read_bytes())
    copied = build.Binary("wait", "./wait", module=module)
    seen = {build.path(copied), build.path(dataclasses.replace(copied, static=True))}
    for file in ("go.sum", "wait/main.go"):
        (module / file).write_text("changed")
        seen.add(build.path(copied))
    assert len(seen) == 4


def test_a_binary_that_is_not_there_names_the_remedy() -> None:
    """Fixtures never start a build of a quarter of an hour on their own."""
    with pytest.raises(requirements.MissingError, match=r"kubelet is not built: run `python3 -m tests.cluster.build`"):
        build.find("kubelet")


def test_no_go_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Go the reason and the remedy are said."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(requirements.MissingError, match=r"Go is not on PATH: install Go 1\.26"):
        build.ensure(["wait"])


def test_a_build_that_fails_is_one_line_and_leaves_nothing(able: None, cache: pathlib.Path) -> None:
    """The compiler's last line is the reason; no half-made file stays in the cache."""
    del able
    done = subprocess.run(
        BUILD_WAIT,
        cwd=layouts.REPOSITORY,
        env={"PATH": f"{pathlib.Path(GO).parent}:/usr/bin:/bin", "PODSEAL_CACHE": str(cache), "GOFLAGS": "-nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("build: go build ./wait failed: ")
    assert done.stderr.count("\n") == 1
    assert [path for path in cache.rglob("*") if path.is_file()] == [cache / "bin" / ".lock"]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that exist are listed."""
    monkeypatch.setattr(sys, "argv", ["build", "kubeproxy"])
    assert build.main() == 2
    names = ", ".join(binary.name for binary in build.BINARIES)
    assert capsys.readouterr().err == f"build: no binary 'kubeproxy': there are {names}\n"
