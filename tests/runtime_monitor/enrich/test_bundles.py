"""Bundles on a node: where each runtime keeps them, and what stands in their way."""

import os
import shutil
from pathlib import Path

import pytest

from runtime_monitor.enrich import bundles

DATA = Path(__file__).parent / "data" / "bundles"
ID = "ab" * 32


def place(root: Path, folder: str, data: bytes) -> Path:
    """A configuration in a folder below the node's root."""
    file = root / folder / "config.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("runtime", "folder", "file"),
    [
        ("containerd", f"run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}", "containerd-main"),
        ("k3s", f"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}", "containerd-main"),
        ("CRI-O", f"run/containers/storage/overlay-containers/{ID}/userdata", "crio-web"),
        ("Docker", f"run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/{ID}", "docker-moby"),
    ],
)
def test_each_runtime_has_its_place(tmp_path: Path, runtime: str, folder: str, file: str) -> None:
    """Found by the id alone."""
    place(tmp_path, folder, (DATA / f"{file}.json").read_bytes())
    if runtime == "Docker":
        beside = tmp_path / bundles.DOCKER / ID / "config.v2.json"
        beside.parent.mkdir(parents=True)
        shutil.copy(DATA / "docker-moby.config.v2.json", beside)
    source = bundles.Bundles(tmp_path)
    found = source.read(ID)
    assert found is not None
    assert found.container.name
    assert found.pod.name
    assert list(source.ids()) == [ID]
    assert (source.counts.read, source.counts.missing) == (1, 0)


def test_a_place_of_ones_own(tmp_path: Path) -> None:
    """`--bundles`: as the test cluster's containerd needs it."""
    place(tmp_path, f"elsewhere/{ID}", b"{}")
    assert bundles.Bundles(tmp_path, [tmp_path / "elsewhere"]).read(ID)


def test_no_runtime_at_all(tmp_path: Path) -> None:
    """Nothing is present, nothing is found, and that is counted."""
    source = bundles.Bundles(tmp_path)
    assert source.present() == []
    assert source.read(ID) is None
    assert source.counts.missing == 1


def test_only_ids_are_containers(tmp_path: Path) -> None:
    """Other folders beside them are none."""
    for name in (ID, "lost+found", "ab", "../x"):
        (tmp_path / "places" / name).mkdir(parents=True, exist_ok=True)
    assert list(bundles.Bundles(tmp_path, [tmp_path / "places"]).ids()) == [ID]


def test_a_broken_one_is_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The file, what is wrong with it, and what follows."""
    file = place(tmp_path, f"places/{ID}", b"{")
    source = bundles.Bundles(tmp_path, [tmp_path / "places"])
    assert source.read(ID) is None
    assert source.counts.broken == 1
    assert str(file) in caplog.text


@pytest.mark.parametrize("what", ["a FIFO", "a folder", "a link", "too large"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, what: str) -> None:
    """Never waited for, never followed, never taken into memory."""
    file = place(tmp_path, f"places/{ID}", b"{}")
    file.unlink()
    if what == "a FIFO":
        os.mkfifo(file)
    elif what == "a folder":
        file.mkdir()
    elif what == "a link":
        file.symlink_to(DATA / "crio-web.json")
    else:
        file.write_bytes(b" " * (bundles.LARGEST + 1))
    assert bundles.Bundles(tmp_path, [tmp_path / "places"]).read(ID) is None
