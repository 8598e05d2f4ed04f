"""The paths of a command line -> the files to read, in a stable order.

In: paths as typed. Out: each file once, and a Problem for what is missing or cannot be read. Called by `run`.
Folders are walked in the order of names for .yaml, .yml and .json; hidden ones (.git, .venv) are left out, and a
folder that symbolic links lead into again is not entered twice.
"""

import os
import stat
from collections.abc import Iterable, Iterator

from msgspec import Struct

from webhook.check import model

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 64 * 1024 * 1024
"""An object may have 3 MiB; a file larger than this is no list of manifests."""

STDIN = "-"


class Source(Struct, frozen=True):
    """Where bytes come from. `data` holds those of standard input and of pipes, which can be read only once.

    `path` is what the operating system knows; `name` is the same as text that every report can hold.
    """

    path: str
    data: bytes | None = None

    @property
    def name(self) -> str:
        """The path; bytes that are no UTF-8, which Python keeps as lone surrogates, are escaped."""
        return self.path.encode("utf-8", "backslashreplace").decode()


def find(paths: Iterable[str], stdin: Source) -> Iterator[Source | model.Problem]:
    """Each file once, in the order in which the paths were typed; `-` stands for `stdin`."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path == STDIN:
            yield stdin
            continue
        try:
            status = os.stat(path)  # noqa: PTH116 -- pathlib costs start-up, and paths here are text
        except (OSError, ValueError) as error:
            yield _problem(path, error)
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path, seen)
        elif stat.S_ISREG(status.st_mode):
            if _first_time(status, seen):
                yield Source(path)
        elif stat.S_ISFIFO(status.st_mode):
            data = content(Source(path))
            yield Source(path, data) if isinstance(data, bytes) else data
        else:
            yield model.Problem(path, 0, "neither a file nor a folder")


def _walk(folder: str, seen: set[tuple[int, int]]) -> Iterator[Source | model.Problem]:
    try:
        if not _first_time(os.stat(folder), seen):  # noqa: PTH116 -- as above
            return
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield _problem(folder, error)
        return
    for entry in entries:
        try:
            if entry.is_dir():
                if not entry.name.startswith("."):
                    yield from _walk(entry.path, seen)
            elif entry.name.endswith(SUFFIXES) and _is_new_file(entry, seen):
                yield Source(entry.path)
        except OSError as error:
            yield _problem(entry.path, error)


def _is_new_file(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> bool:
    """Whether this is a regular file, reached for the first time; a dangling link raises."""
    status = entry.stat()
    return stat.S_ISREG(status.st_mode) and _first_time(status, seen)


def _first_time(status: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return False
    seen.add(identity)
    return True


def content(source: Source) -> bytes | model.Problem:
    """The bytes of a source."""
    data = source.data
    if data is None:
        try:
            with open(source.path, "rb") as file:  # noqa: PTH123 -- as above
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            return _problem(source.path, error)
    if len(data) > MAX_BYTES:
        return model.Problem(source.name, 0, f"larger than {MAX_BYTES >> 20} MiB; split it")
    return data


def _problem(path: str, error: OSError | ValueError) -> model.Problem:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return model.Problem(Source(path).name, 0, f"cannot be read: {reason}")
