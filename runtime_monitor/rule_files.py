"""Rules files on disk -> their texts, in the order in which they count.

In: paths as the command line or falco.yaml gives them. Out: sources for `rules.ruleset.load`, what cannot be read, and
a signature that changes when a file does. Called by `reload`, `podseal-monitor rules` and `replay`. As in Falco's
rules_files a folder stands for its YAML files in the order of their names; podseal's own rules come before all others,
so that a file can override them.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from runtime_monitor import detections
from runtime_monitor.rules.document import MAX_BYTES
from runtime_monitor.rules.problems import Place, Problem
from runtime_monitor.rules.ruleset import Source

UNREADABLE = "LOAD_ERR_FILE_READ"
STDIN = "-"
SUFFIXES = (".yaml", ".yml")


class Read(Struct, frozen=True):
    """What could be read, and what could not."""

    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]


def read(paths: Sequence[str], *, own: bool, stdin: bytes = b"") -> Read:
    """The texts of files and folders; with `own` podseal's rules first; `-` is `stdin`."""
    sources = [Source(name, text, own=True) for name, text in detections.texts()] if own else []
    problems = []
    for path in _expanded(paths):
        try:
            data = stdin if path == STDIN else _content(path)
            sources.append(Source("<stdin>" if path == STDIN else path, data.decode("utf-8-sig")))
        except (OSError, ValueError) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            problems.append(Problem("error", UNREADABLE, f"cannot be read: {reason}", Place(path)))
    return Read(tuple(sources), tuple(problems))


def present(paths: Sequence[str]) -> tuple[str, ...]:
    """Those files and folders that are there."""
    return tuple(path for path in paths if Path(path).exists())


def signature(paths: Sequence[str]) -> tuple[tuple[object, ...], ...]:
    """What changes when a file is written, replaced, added or removed: a mounted ConfigMap swaps a symbolic link."""
    found: list[tuple[object, ...]] = []
    for path in _expanded(paths):
        try:
            status = os.stat(path)  # noqa: PTH116 -- paths are text here
        except OSError as error:
            found.append((path, error.errno))
        else:
            found.append((path, status.st_mtime_ns, status.st_ino, status.st_size))
    return tuple(found)


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES >> 20} MiB")
    return data


def _expanded(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        folder = Path(path)
        if path != STDIN and folder.is_dir():
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 -- names alone are wanted
            except OSError:
                yield path
                continue
            yield from (str(folder / name) for name in names if name.endswith(SUFFIXES))
        else:
            yield path
