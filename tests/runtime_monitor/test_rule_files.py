"""Files and folders of rules."""

import os
from pathlib import Path

import pytest

from runtime_monitor import rule_files
from runtime_monitor.rules.document import MAX_BYTES


def test_a_folder_stands_for_its_yaml_files_by_name(tmp_path: Path) -> None:
    """Others in it are passed over."""
    for name in ("b.yaml", "a.yml", "c.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "last").write_text("last")
    read = rule_files.read([str(tmp_path), str(tmp_path / "last")], own=False)
    assert [source.text for source in read.sources] == ["a.yml", "b.yaml", "last"]
    assert not read.problems


def test_podseal_s_own_rules_come_first() -> None:
    """So that a file can override them; standard input has a name."""
    read = rule_files.read(["-"], own=True, stdin=b"\xef\xbb\xbf- x")
    assert read.sources[0].name == "podseal:common.yaml"
    assert (read.sources[-1].name, read.sources[-1].text) == ("<stdin>", "- x")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, no text, too long; the others are read all the same."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (tmp_path / "right.yaml").write_text("- x")
    read = rule_files.read([str(tmp_path), str(tmp_path / "missing.yaml")], own=False)
    assert [source.text for source in read.sources] == ["- x"]
    assert [(Path(p.place.file).name, p.code) for p in read.problems] == [
        ("binary.yaml", "LOAD_ERR_FILE_READ"),
        ("huge.yaml", "LOAD_ERR_FILE_READ"),
        ("missing.yaml", "LOAD_ERR_FILE_READ"),
    ]
    assert "No such file or directory" in read.problems[-1].message


@pytest.mark.parametrize("change", ["write", "replace", "add", "remove", "swap the link"])
def test_a_signature_changes_with_the_files(tmp_path: Path, change: str) -> None:
    """A ConfigMap's volume swaps a symbolic link to a folder."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text("- x")
    link = tmp_path / "data"
    link.symlink_to("one")
    file = link / "a.yaml"
    before = rule_files.signature([str(link)])
    assert rule_files.signature([str(link)]) == before
    if change == "write":
        file.write_text("- xy")
    elif change == "replace":
        (tmp_path / "new").write_text("- y")
        (tmp_path / "new").replace(file)
    elif change == "add":
        (link / "b.yaml").write_text("")
    elif change == "remove":
        file.unlink()
    else:
        (tmp_path / "next").symlink_to("two")
        os.replace(tmp_path / "next", link)  # noqa: PTH105 -- Path.replace would do the same
    assert rule_files.signature([str(link)]) != before
