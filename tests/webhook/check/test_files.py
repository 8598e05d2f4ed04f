"""Paths to files: order, what is passed over, what cannot be read."""

import os
import threading
from pathlib import Path

import pytest

from webhook.check import files, model

STDIN = files.Source("<stdin>", b"x")


def _found(*paths: Path | str) -> list[str]:
    """What is found, problems as `! reason`."""
    return [
        each.name if isinstance(each, files.Source) else f"! {each.reason}"
        for each in files.find([str(path) for path in paths], STDIN)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with manifests, others' files and hidden ones."""
    for name in ("b.yaml", "a.yml", "c.json", "notes.txt", "sub/d.yaml", ".git/e.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: b\n")
    return tmp_path


def test_a_folder_is_walked_in_the_order_of_names(folder: Path) -> None:
    """Manifests only, hidden folders left out."""
    assert _found(folder) == [str(folder / name) for name in ("a.yml", "b.yaml", "c.json", "sub/d.yaml")]


def test_a_named_file_may_have_any_name_and_is_read_once(folder: Path) -> None:
    """In the order of the command line."""
    notes = folder / "notes.txt"
    assert _found(notes, "-", notes, folder / "b.yaml", folder)[:3] == [str(notes), "<stdin>", str(folder / "b.yaml")]
    assert len(_found(notes, notes)) == 1


def test_a_loop_of_links_ends(folder: Path) -> None:
    """A folder that links into itself, and a link to a file that is there already."""
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "z.yaml").symlink_to(folder / "b.yaml")
    assert len(_found(folder)) == 4


def test_a_link_to_nothing_is_told(folder: Path) -> None:
    """A mistake of whoever made it, not of nobody."""
    (folder / "z.yaml").symlink_to(folder / "nowhere")
    assert _found(folder)[-1] == "! cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/no/such/file.yaml", "No such file"), ("/dev/null", "neither a file nor a folder"), ("a\0b", "null byte")],
    ids=["missing", "a device", "a NUL byte"],
)
def test_what_is_no_file_is_told(path: str, reason: str) -> None:
    """One problem each."""
    (found,) = files.find([path], STDIN)
    assert isinstance(found, model.Problem)
    assert reason in found.reason


def test_a_pipe_is_read_at_once(tmp_path: Path) -> None:
    """As in `podseal check <(helm template x)`: its bytes can be read only once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"a: b\n",))
    writer.start()
    (found,) = files.find([str(pipe)], STDIN)
    writer.join()
    assert found == files.Source(str(pipe), b"a: b\n")


def test_a_name_that_is_no_utf8_can_be_reported(tmp_path: Path) -> None:
    """Such a name is legal on Linux; reports must encode it."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")
    Path(path).write_text("a: b\n")
    (found,) = files.find([str(tmp_path)], STDIN)
    assert isinstance(found, files.Source)
    assert found.name.endswith("/\\udcff.yaml")
    assert files.content(found) == b"a: b\n"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    """A sparse file beyond the bound."""
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)
    content = files.content(files.Source(str(huge)))
    assert isinstance(content, model.Problem)
    assert "larger than 64 MiB" in content.reason


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    """Between finding and reading."""
    content = files.content(files.Source(str(tmp_path / "gone.yaml")))
    assert isinstance(content, model.Problem)
    assert "No such file" in content.reason
