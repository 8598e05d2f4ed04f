"""What falco.yaml and the command line want of a node: its rules, its listeners, its log, its feed.

In: a path, `-o` options, rules files. Out: a `reload.Request`, listeners, the feed's configuration; the log is set up.
Called by `commands.run`, and by `ruling` when rules are to be loaded anew: then what falco.yaml says of rules counts at
once, and what it says of anything else is told to wait for the next start.
"""

import logging
import logging.handlers
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runtime_monitor import capabilities, listener, reload
from runtime_monitor.alerts import Priority
from runtime_monitor.falco_yaml import files
from runtime_monitor.falco_yaml.config import Config, Log
from runtime_monitor.falco_yaml.tree import FalcoYamlError

log = logging.getLogger("podseal.run")
SYSLOG = Path("/dev/log")
FORM = "%(levelname)s %(name)s: %(message)s"
LEVELS = {Priority.ERROR: logging.ERROR, Priority.WARNING: logging.WARNING, Priority.DEBUG: logging.DEBUG}
"""Falco's levels of the log -> Python's; graver ones are critical, those between are info."""
Address = tuple[str, int]


class Following:
    """falco.yaml as it was read last. `rules` are the rules files of the command line.

    Raises:
        FalcoYamlError: it cannot be read or used.
    """

    def __init__(self, path: Path | None, changes: Sequence[str], rules: tuple[str, ...]) -> None:
        self._path, self._changes, self._rules = path, changes, rules
        self._loaded = files.load(path, changes)
        _log_to(self.config.log)
        self._warn()

    @property
    def config(self) -> Config:
        """What it says."""
        return self._loaded.config

    def request(self) -> reload.Request:
        """Which rules are wanted."""
        config = self.config
        return reload.Request(
            paths=self._rules,
            optional=config.rules_files,
            watched=self._loaded.files,
            fillable=capabilities.fillable(),
            delivered=capabilities.delivered(),
            lenient=True,
            priority=config.priority,
            first=config.first,
            additions=config.additions,
            selection=config.selection,
        )

    def renewed(self) -> reload.Request | None:
        """Which rules are wanted now that the file may have changed; None where it cannot be used."""
        before = self.config
        try:
            self._loaded = files.load(self._path, self._changes)
        except FalcoYamlError as error:
            log.error("%s; what it said before stays in force", error)  # noqa: TRY400 -- its text says everything
            return None
        after = self.config
        if after != before:
            self._warn()
        if (after.outputs, after.web, after.log, after.watch) != (before.outputs, before.web, before.log, before.watch):
            log.warning(
                "%s: outputs, web server or log have changed: that counts when the monitor starts anew", self._path
            )
        return self.request()

    def listeners(self, metrics: Address | None) -> Iterator[listener.Listener]:
        """The one of --metrics-bind, and Falco's web server."""
        if metrics is not None:
            yield listener.Listener(*metrics)
        web = self.config.web
        if web is not None:
            yield listener.Listener(web.address, web.port, web.metrics, web.healthz, web.certificate)

    def feed(self, spool: Path, page: Address | None, output: str | None) -> dict[str, Any]:
        """The configuration of the process that reads the spool, in the feed's own words.

        Its positions are beside the spool; `output` is the form of lines that the command line asks for.
        """
        outputs = list(self.config.outputs)
        if output is not None:
            others = [each for each in outputs if each["type"] != "stdout"]
            outputs = [{"name": "stdout_output", "type": "stdout", "start": "newest", "format": output}, *others]
        host, port = page or ("", 0)
        bind = f"{f'[{host}]' if ':' in host else host}:{port}"
        return {
            "spool": str(spool),
            "state": str(spool.parent / "feed"),
            "listen": {"address": bind} if page else None,
            "outputs": outputs,
            "log_level": logging.getLevelName(min(_level(self.config.log), logging.ERROR)).lower(),
        }

    def tell_of_outputs(self) -> None:
        """Say that nobody here opens the outputs of falco.yaml."""
        kinds = ", ".join(each["name"] for each in self.config.outputs if each["type"] != "stdout")
        if kinds:
            log.warning(
                "%s: with --output none they are outputs of `podseal-monitor feed`: name them in its file", kinds
            )

    def _warn(self) -> None:
        for warning in self._loaded.warnings:
            log.warning("%s", warning)


def _level(wanted: Log) -> int:
    return LEVELS.get(wanted.level, logging.CRITICAL if wanted.level < Priority.ERROR else logging.INFO)


def _log_to(wanted: Log) -> None:
    """The log as falco.yaml wants it."""
    handlers: list[logging.Handler] = [logging.StreamHandler()] if wanted.stderr else []
    if wanted.syslog and SYSLOG.is_socket():
        handlers.append(logging.handlers.SysLogHandler(str(SYSLOG)))
    logging.basicConfig(level=_level(wanted), format=FORM, handlers=handlers or [logging.NullHandler()], force=True)
