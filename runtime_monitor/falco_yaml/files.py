"""Reads falco.yaml and the files it includes from disk.

In: a path and the options of the command line. Out: a Config and warnings. Called by `following` and `podseal-monitor
rules check`. As in Falco, `config_files` names files or folders (their files by name), each alone or with a `strategy`;
a file that is not there is passed over.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from runtime_monitor.falco_yaml import config, tree
from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import FalcoYamlError
from runtime_monitor.rules.document import Value
from runtime_monitor.rules.problems import Problem

MAX_BYTES = 1 << 20
PRINTED = "stdout_output: {enabled: true}"


class Loaded(NamedTuple):
    """The configuration, a warning for each key that is not followed, and the files and folders that it depends on."""

    config: config.Config
    warnings: tuple[Problem, ...]
    files: tuple[str, ...]


def load(path: Path | None, options: Sequence[str], environment: Mapping[str, str] = os.environ) -> Loaded:
    """The configuration of a file, its included files and `-o`; without a file alerts go to standard output.

    Raises:
        FalcoYamlError: one of them cannot be read or used.
    """
    root = tree.parse(PRINTED, "podseal-monitor") if path is None else _read(path, environment)
    for option in options:
        if option.startswith(tree.CONFIG_FILES):
            tree.set_option(root, option)
    entries = list(_entries(root, path))
    for entry, strategy in entries:
        for included in _expanded(entry):
            tree.merge(root, _read(included, environment), strategy)
    for option in options:
        if not option.startswith(tree.CONFIG_FILES):
            tree.set_option(root, option)
    found, warnings = config.read(root)
    named = ([] if path is None else [path]) + [entry for entry, _ in entries]
    return Loaded(found, warnings, tuple(map(str, named)))


def _read(path: Path, environment: Mapping[str, str]) -> Value:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "no UTF-8"
        raise FalcoYamlError(f"{path}: cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise FalcoYamlError(f"{path}: more than {MAX_BYTES >> 20} MiB; this is no configuration")
    value = tree.parse(text, str(path))
    tree.expand(value, environment)
    return value


def _entries(root: Value, main: Path | None) -> Iterator[tuple[Path, str]]:
    """Each included file or folder and its strategy."""
    section = Section(root, "", [])
    for value in section.values(tree.CONFIG_FILES):
        if value.text is not None:
            path, strategy = Path(value.text), "append"
        else:
            entry = Section(value, tree.CONFIG_FILES, [])
            path = Path(entry.text("path"))
            strategy = entry.choice("strategy", tree.STRATEGIES, "append")
        if path == main:
            raise section.error(tree.CONFIG_FILES, f"{path} includes itself: leave it out")
        yield path, strategy


def _expanded(path: Path) -> list[Path]:
    """The files of a folder by name, or the file; none where nothing is there."""
    if path.is_dir():
        return sorted(each for each in path.iterdir() if each.is_file())
    return [path] if path.is_file() else []
