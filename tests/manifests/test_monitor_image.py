"""The monitor's image: what the webhook's is, and libbpf and the programs for the kernel."""

import pathlib
import shutil
import stat
from collections.abc import Iterator

import pytest

from runtime_monitor.bpf import build
from tests.cluster import requirements
from tests.manifests import image
from tests.manifests.test_image import MOST_BYTES, TOOLS, files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]  # the first build makes a base and downloads wheels


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image.Image]:
    """The image, built once; where it cannot be, skip with the reason, or fail where nothing may be skipped."""
    folder = tmp_path_factory.mktemp("image")
    try:
        with requirements.or_skip():
            made = image.make(folder, image.MONITOR_REPOSITORY)
        yield made
    finally:
        shutil.rmtree(folder)


def test_it_is_small_and_has_no_tool(built: image.Image) -> None:
    """At most 150 MB; no shell, package manager or compiler, nothing that raises rights."""
    found = list(files(built.root))
    size = sum(path.lstat().st_size for path in found if path.is_file() and not path.is_symlink())
    print(f"image: {size / 1e6:.0f} MB unpacked")
    assert 20_000_000 < size <= MOST_BYTES
    assert not {path.name for path in found} & (TOOLS | {"ziglang"})
    assert not [path for path in found if path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)]


def test_it_runs_as_an_ordinary_user_unless_told_otherwise(built: image.Image) -> None:
    """The sensor's uid 0 is granted by the manifests alone."""
    assert built.config["User"] == "65532:65532"
    assert built.config["Entrypoint"] == ["podseal-monitor"]


def test_the_programs_and_libbpf_are_in_it(built: image.Image) -> None:
    """One object of every source; the library under the name by which it is loaded."""
    names = {path.name for path in files(built.root)}
    assert {f"{source.stem}.o" for source in build.sources()} <= names
    assert "libbpf.so.1" in names


def test_its_command_line_works_in_it(built: image.Image, tmp_path: pathlib.Path) -> None:
    """Its command line starts, and finds its sub-commands."""
    folder = tmp_path / "rules"
    folder.mkdir()
    code, said = built.run("podseal-monitor", "--help", folder=folder)
    assert code == 0, said
    assert "selftest" in said
