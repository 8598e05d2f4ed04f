"""falco.yaml as it is: what of it means something here, and a warning for each key that does not.

In: the text of the file. Out: a Config and warnings. Called by `commands.run` and `podseal-monitor rules check`. The
keys are those of Falco's own falco.yaml; where one concerns the feed (outputs to files, syslog, programs, HTTP), the
warning says where it belongs here, since alerts leave the node by a process of their own.
"""

from collections.abc import Callable
from typing import Any

import yaml
from msgspec import Struct

from runtime_monitor.alerts import Priority
from runtime_monitor.rules.items import PRIORITIES
from runtime_monitor.rules.problems import Place, Problem

CODE = "LOAD_UNKNOWN_ITEM"
MAX_BYTES = 1 << 20
FEED = "alerts are delivered by `podseal-monitor feed`: configure an output of type {} in its own file"
ELSEWHERE = {
    "file_output": FEED.format("file"),
    "syslog_output": FEED.format("syslog"),
    "program_output": FEED.format("program"),
    "http_output": FEED.format("http"),
    "buffered_outputs": "alerts are committed in groups to the spool, and the feed writes them at once",
    "output_timeout": "each output of the feed has a timeout of its own",
    "outputs_queue": "the spool bounds what waits",
    "webserver": "health and metrics are served at --metrics-bind",
    "metrics": "metrics are served at --metrics-bind",
    "log_stderr": "the log goes to standard error",
    "log_syslog": "the log goes to standard error, whence journald takes it",
    "log_level": "the log's level is informational",
    "time_format_iso_8601": "the JSON key `time` is in ISO 8601",
    "engine": "the kernel's programs are podseal's own",
    "plugins": "what Falco's plugin container does is built in",
    "load_plugins": "what Falco's plugin container does is built in",
}
"""Keys that Falco has and whose work is done elsewhere here."""


class Config(Struct, frozen=True):
    """What falco.yaml says; None where it says nothing."""

    rules_files: tuple[str, ...] = ()
    watch: bool = True
    first: bool = True
    priority: Priority = Priority.DEBUG
    json: bool | None = None
    append_output: bool = True


class FalcoYamlError(ValueError):
    """The file cannot be used; the text names it, the place and the cause."""


def parse(text: str, name: str) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration, and a warning for each key that is not followed.

    Raises:
        FalcoYamlError: no YAML, no mapping, or a value that a followed key cannot have.
    """
    if len(text) > MAX_BYTES:
        raise FalcoYamlError(f"{name}: more than {MAX_BYTES >> 20} MiB; this is no configuration")
    try:
        tree = yaml.load(text, yaml.CSafeLoader) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FalcoYamlError(f"{name}: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise FalcoYamlError(f"{name}: expected a mapping of keys, as Falco's falco.yaml is")
    found: dict[str, Any] = {}
    warnings = []
    for key, value in tree.items():
        read = READERS.get(key)
        if read is not None:
            try:
                found |= read(value)
            except (TypeError, ValueError) as error:
                raise FalcoYamlError(f"{name}: {key}: {error}") from error
        elif _says_something(value):
            reason = ELSEWHERE.get(key, "podseal has nothing for it")
            warnings.append(Problem("warning", CODE, f"{key} is not followed: {reason}", Place(name)))
    return Config(**found), tuple(warnings)


def _says_something(value: object) -> bool:
    """Whether it is switched on: `http_output: {enabled: false}` asks for nothing."""
    return not (value is False or value is None or (isinstance(value, dict) and value.get("enabled") is False))


def _files(value: object) -> dict[str, Any]:
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not all(isinstance(file, str) and file for file in files):
        raise TypeError("expected a list of paths")
    return {"rules_files": tuple(files)}


def _boolean(name: str) -> Callable[[object], dict[str, Any]]:
    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, bool):
            raise TypeError("expected true or false")
        return {name: value}

    return read


def _matching(value: object) -> dict[str, Any]:
    if value not in ("first", "all"):
        raise ValueError("expected first or all")
    return {"first": value == "first"}


def _priority(value: object) -> dict[str, Any]:
    priority = PRIORITIES.get(value.lower()) if isinstance(value, str) else None
    if priority is None:
        raise ValueError(f"expected one of {', '.join(PRIORITIES)}")
    return {"priority": priority}


def _stdout(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("enabled") not in (True, None):
        raise ValueError("alerts go to standard output in any case; use `podseal-monitor run > /dev/null`")
    return {}


def _append_output(value: object) -> dict[str, Any]:
    entries = value if isinstance(value, list) else [value]
    mappings = [entry for entry in entries if isinstance(entry, dict)]
    if len(mappings) < len(entries):
        raise TypeError("expected a list of mappings")
    if any(set(entry) - {"suggested_output", "match"} or entry.get("match") for entry in mappings):
        raise ValueError("only suggested_output, for all rules, can be set; override a rule's output instead")
    return {"append_output": any(entry.get("suggested_output") is True for entry in mappings)}


READERS: dict[str, Callable[[object], dict[str, Any]]] = {
    "rules_files": _files,
    "rules_file": _files,
    "watch_config_files": _boolean("watch"),
    "rule_matching": _matching,
    "priority": _priority,
    "json_output": _boolean("json"),
    "stdout_output": _stdout,
    "append_output": _append_output,
}
