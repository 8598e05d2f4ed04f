"""The feed's configuration, read anew when its file changes and on SIGHUP.

In: where it comes from, and what brings outputs into force. Out: outputs that come, change and go without a restart;
lines of the log. Called by `process`. A file that is broken, or an output that cannot be opened, leaves everything as
it was. What listens and where positions are kept is for a restart alone.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runtime_monitor.feed.settings import Settings, SettingsError

SECONDS_BETWEEN_LOOKS: Final = 1.0
log = logging.getLogger("podseal.feed")


@dataclass(frozen=True)
class Source:
    """A configuration's file, and how it is read: with the options of the command line put over it."""

    path: Path
    read: Callable[[], Settings]


class Reloading:
    """A thread that looks at the file; `use` gets the outputs of a new one, and says how many are new and gone."""

    def __init__(self, source: Source, first: Settings, use: Callable[[tuple[Any, ...]], tuple[int, int]]) -> None:
        self._source = source
        self._first = first
        self._use = use
        self._signature = self._signed()
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def ask(self) -> None:
        """Read it anew, changed or not; safe in the handler of a signal."""
        self._asked.set()

    def stop(self) -> None:
        """End; a change that waits for an output that is stuck is left to the end of the process."""
        self._stopped.set()
        self._asked.set()
        self._thread.join(SECONDS_BETWEEN_LOOKS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            asked = self._asked.wait(SECONDS_BETWEEN_LOOKS)
            self._asked.clear()
            signature = self._signed()
            if not self._stopped.is_set() and (asked or signature != self._signature):
                self._signature = signature
                self._reload()

    def _reload(self) -> None:
        path = self._source.path
        try:
            settings = self._source.read()
            new, gone = self._use(settings.outputs)
        except (SettingsError, OSError) as error:
            log.error("%s; everything stays as it was", error)  # noqa: TRY400 -- its text says everything
            return
        others = [
            name
            for name in settings.__struct_fields__
            if name != "outputs" and getattr(settings, name) != getattr(self._first, name)
        ]
        if others:
            log.warning("%s: of %s a restart takes notice", path, ", ".join(others))
        log.info("%s: in force, %d outputs new or changed, %d gone", path, new, gone)

    def _signed(self) -> tuple[int, int, int] | None:
        """What differs where the file is another one, or was written; a ConfigMap's is a link to another one then."""
        try:
            found = os.stat(self._source.path)  # noqa: PTH116 -- for its three numbers
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)
