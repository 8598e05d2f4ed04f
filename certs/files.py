"""The stored items as a folder: read, and replaced all at once.

The folder looks as a mounted Secret does, and for the same reason:

    tls.crt -> ..data/tls.crt        ..data -> ..7f3a…        ..7f3a…/tls.crt, tls.key, ca.crt, …

A write fills a new generation folder and renames the link `..data` onto it, which is one step for every name.
A reader that follows `..data` once sees one generation. A reader that opens tls.crt and tls.key one after the
other may meet the switch between the two; it then sees a key that does not match, and reads again.

Keys are 0600 and the folder is 0700 when it is made here. Called by the commands that get `--dir`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping

from certs import errors, layout

_CURRENT = "..data"
_OWN = re.compile(r"\.\.[0-9a-f]{16}(\.link)?")
_KEY_MODE = 0o600
_PUBLIC_MODE = 0o644


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """A `reconcile.Store` in a folder.

    Args:
        path: the folder; `write` makes it, with its parents.
    """

    path: pathlib.Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> tuple[dict[str, bytes], str]:
        """The items that are there, and the generation they are from.

        Raises:
            errors.CertsError: something cannot be read.
        """
        with _named(self.path, "make it readable for this user, or name another --dir"):
            while True:
                generation = _generation(self.path)
                try:
                    items = {name: (self.path / name).read_bytes() for name in _present(self.path)}
                except FileNotFoundError:
                    continue  # switched away under this reader
                if _generation(self.path) == generation:
                    return items, generation

    def write(self, data: Mapping[str, bytes], version: str) -> None:
        """Replace all items at once.

        Args:
            data: name to content.
            version: the generation that `read` gave; another writer since then is a conflict.

        Raises:
            errors.ConflictError: somebody else has written.
            errors.CertsError: the folder cannot be written.
        """
        with _named(self.path, "make it writable for this user, or name another --dir"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path):
                if _generation(self.path) != version:
                    raise errors.ConflictError
                generation = _fill(self.path, data)
                _link(self.path / _CURRENT, generation)
                _link_names(self.path, data)
                _sync(self.path)
                _sweep(self.path, generation)


def _present(folder: pathlib.Path) -> list[str]:
    return [name for name in layout.NAMES if (folder / name).exists()]


def _fill(folder: pathlib.Path, data: Mapping[str, bytes]) -> str:
    generation = folder / f"..{secrets.token_hex(8)}"
    generation.mkdir(mode=0o700)
    for name, content in data.items():
        mode = _KEY_MODE if name in layout.SECRETS else _PUBLIC_MODE
        descriptor = os.open(generation / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(generation)
    return generation.name


def _link_names(folder: pathlib.Path, data: Mapping[str, bytes]) -> None:
    for name in layout.NAMES:
        target = f"{_CURRENT}/{name}"
        path = folder / name
        if name not in data:
            path.unlink(missing_ok=True)
        elif not path.is_symlink() or str(path.readlink()) != target:
            _link(path, target)  # also where a plain file of that name was: its content is in the generation


def _sweep(folder: pathlib.Path, kept: str) -> None:
    """Remove other generations: the last one, and those of writers that were killed.

    Only by their name, never by what `..data` pointed to: that link may be somebody else's and lead anywhere.
    """
    for path in folder.iterdir():
        if path.name != kept and _OWN.fullmatch(path.name):
            path.unlink() if path.is_symlink() else shutil.rmtree(path)


def _link(path: pathlib.Path, target: str) -> None:
    temporary = path.with_name(f"..{secrets.token_hex(8)}.link")
    temporary.symlink_to(target)
    temporary.replace(path)


def _generation(folder: pathlib.Path) -> str:
    """The generation that `..data` names; empty where plain files lie in the folder, or nothing."""
    try:
        return str((folder / _CURRENT).readlink())
    except FileNotFoundError:
        return ""


def _sync(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    """Hold the folder against other writers on this machine; the lock ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _named(folder: pathlib.Path, remedy: str) -> Iterator[None]:
    """Turn an OSError into one line that names the file."""
    try:
        yield
    except OSError as error:
        place = str(error.filename or folder)
        raise errors.CertsError(place, error.strerror or str(error), remedy, errors.Exit.USAGE) from error
