"""The folder: modes, the switch in one step, and what cannot be read or written."""

from __future__ import annotations

import pathlib
import stat
import threading

import pytest

from certs import authority, errors, files, layout, model, pem
from tests.certs.world import DAY, NAMES, START

SIGNER = authority.make_authority(START, 365 * DAY)


def stored() -> dict[str, bytes]:
    """A new leaf and its authority."""
    leaf = authority.make_leaf(START, DAY, NAMES, SIGNER)
    return layout.encode(model.State(leaf=leaf, signer=SIGNER))


def test_what_is_written_is_read(tmp_path: pathlib.Path) -> None:
    """Items come back, by the store and by their plain names."""
    folder = files.Folder(tmp_path / "new" / "certs")
    data = stored()

    folder.write(data, "")

    assert folder.read()[0] == data
    assert (folder.path / "tls.crt").read_bytes() == data["tls.crt"]


def test_keys_are_for_the_owner_only(tmp_path: pathlib.Path) -> None:
    """0600 for keys, 0700 for the folder that is made."""
    folder = files.Folder(tmp_path / "certs")
    folder.write(stored(), "")

    modes = {name: stat.S_IMODE((folder.path / name).stat().st_mode) for name in ("tls.key", "ca.key", "")}
    assert modes == {"tls.key": 0o600, "ca.key": 0o600, "": 0o700}


def test_empty_folder_and_missing_folder_hold_nothing(tmp_path: pathlib.Path) -> None:
    """Neither is an error."""
    assert files.Folder(tmp_path).read() == ({}, "")
    assert files.Folder(tmp_path / "missing").read() == ({}, "")


def test_only_the_newest_generation_is_left(tmp_path: pathlib.Path) -> None:
    """No old key stays behind, and items that are gone lose their name."""
    folder = files.Folder(tmp_path)
    staged = authority.make_authority(START, DAY)
    folder.write(layout.encode(model.State(signer=SIGNER, successor=staged)), "")
    folder.write(stored(), folder.read()[1])

    assert not (tmp_path / "ca-next.key").is_symlink()
    assert len([one for one in tmp_path.iterdir() if one.is_dir() and not one.is_symlink()]) == 1


def test_plain_files_become_a_generation(tmp_path: pathlib.Path) -> None:
    """Files that somebody copied here are read, and replaced by links on the first write."""
    data = stored()
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    folder = files.Folder(tmp_path)
    items, version = folder.read()
    assert items == data

    new = stored()
    folder.write(new, version)

    assert folder.read()[0] == new
    assert (tmp_path / "tls.key").is_symlink()


def test_second_writer_conflicts(tmp_path: pathlib.Path) -> None:
    """Who read before another wrote must read again."""
    first, second = files.Folder(tmp_path), files.Folder(tmp_path)
    version = second.read()[1]
    first.write(stored(), first.read()[1])

    with pytest.raises(errors.ConflictError):
        second.write(stored(), version)


def test_reader_never_meets_a_mixed_pair(tmp_path: pathlib.Path) -> None:
    """While pairs are switched, a reader that follows ..data once sees a matching pair each time."""
    folder = files.Folder(tmp_path)
    folder.write(stored(), "")
    done = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not done.is_set():
            generation = tmp_path / (tmp_path / "..data").readlink()
            try:
                pair = (generation / "tls.crt").read_bytes(), (generation / "tls.key").read_bytes()
            except FileNotFoundError:
                continue  # switched away since the link was read
            seen.append(pem.key_matches(pem.certificates(pair[0])[0], pair[1]))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(30):
            folder.write(stored(), folder.read()[1])
    finally:
        done.set()
        reader.join()

    assert seen
    assert all(seen)


def test_leftovers_are_swept(tmp_path: pathlib.Path) -> None:
    """What a killed writer left, an old key among it, goes with the next write."""
    left = tmp_path / "..0123456789abcdef"
    left.mkdir()
    (left / "ca.key").write_text("old")
    (tmp_path / "..0123456789abcdef.link").symlink_to("nowhere")
    (tmp_path / "..kept").mkdir()

    files.Folder(tmp_path).write(stored(), "")

    assert not left.exists()
    assert not (tmp_path / "..0123456789abcdef.link").is_symlink()
    assert (tmp_path / "..kept").is_dir()


@pytest.mark.parametrize("target", ["gone", "elsewhere"])
def test_foreign_link_is_replaced_and_not_followed(tmp_path: pathlib.Path, target: str) -> None:
    """..data leads nowhere or out of the folder: it is replaced, and nothing there is removed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    folder = files.Folder(tmp_path / "certs")
    folder.path.mkdir()
    (folder.path / "..data").symlink_to(tmp_path / target)

    data = stored()
    folder.write(data, folder.read()[1])

    assert folder.read()[0] == data
    assert (elsewhere / "precious").exists()


def broken_folder(tmp_path: pathlib.Path, how: str) -> pathlib.Path:
    """A folder that cannot be read, in ways that hold for root too."""
    if how == "a file":
        (tmp_path / "file").write_text("x")
        return tmp_path / "file" / "certs"
    if how == "a folder in place of a key":
        (tmp_path / "tls.key").mkdir()
    if how == "..data is a folder":
        (tmp_path / "..data").mkdir()
    return tmp_path


@pytest.mark.parametrize("how", ["a file", "a folder in place of a key", "..data is a folder"])
def test_what_cannot_be_read_is_named(tmp_path: pathlib.Path, how: str) -> None:
    """One line: the file, the cause, the remedy; exit code 2."""
    with pytest.raises(errors.CertsError) as raised:
        files.Folder(broken_folder(tmp_path, how)).read()

    assert raised.value.code == errors.Exit.USAGE
    assert raised.value.place.startswith(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_what_cannot_be_written_is_named(tmp_path: pathlib.Path) -> None:
    """The folder cannot be made below a file: named, and nothing is left behind."""
    path = broken_folder(tmp_path, "a file")

    with pytest.raises(errors.CertsError, match="Not a directory; make it writable"):
        files.Folder(path).write(stored(), "")

    assert [one.name for one in tmp_path.iterdir()] == ["file"]
