"""Which paths are answered: those with a random end of the file, as it is now."""

import json
from pathlib import Path

import pytest

from certs import paths
from tests.certs.world import START
from webhook import entrances


def write(file: Path, *tokens: str) -> None:
    """What podseal-certs stores, swapped in as a kubelet does."""
    made = file.with_name("made")
    made.write_bytes(paths.encode(tuple(paths.Path(token, START) for token in tokens)))
    made.rename(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two paths."""
    found = tmp_path / "paths.json"
    write(found, "new", "old")
    return found


@pytest.mark.parametrize(
    ("token", "known"),
    [("new", True), ("old", True), ("", False), ("other", False), ("newold", False), ("\xff\U0001f512", False)],
)  # fmt: skip
def test_known(file: Path, token: str, *, known: bool) -> None:
    """The newest and the former, and no other."""
    assert entrances.Entrances(str(file)).know(token) is known


def test_a_changed_file_counts_a_second_later(file: Path) -> None:
    """Not before: it is looked at once a second."""
    now = 0.0
    known = entrances.Entrances(str(file), lambda: now)
    write(file, "newer", "new")
    assert known.know("old")
    now = 1.0
    assert not known.know("old")
    assert known.know("newer")


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"paths": []}'])
def test_a_broken_file_takes_nothing_away(file: Path, content: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    """The API server must not be shut out because somebody is writing."""
    now = 0.0
    known = entrances.Entrances(str(file), lambda: now)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    now = 1.0
    assert known.know("new")
    assert "not reloaded" in caplog.text
    assert "new" not in caplog.messages[0].split(":")[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"paths": []}', b'{"paths": [{"token": ""}]}'])
def test_without_a_path_it_does_not_begin(tmp_path: Path, content: bytes) -> None:
    """It would answer nobody, or, with an empty one, everybody."""
    file = tmp_path / "paths.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="podseal-certs"):
        entrances.Entrances(str(file))


def test_it_reads_what_podseal_certs_writes(file: Path) -> None:
    """The one thing that the two programs share."""
    assert {each["token"] for each in json.loads(file.read_text())["paths"]} == {"new", "old"}
