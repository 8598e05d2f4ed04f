"""A file: a line an alert, Falco's text or its JSON, rotated by size and opened anew on SIGUSR1.

Settings: `path`, `format`, `line`, `keep_alive` (false opens the file for each group), `max_bytes` (0 never rotates)
and `keep` (how many rotated files stay: path.1 is the newest). On a full disk no half line stays behind.
"""

import contextlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output, render


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="file", forbid_unknown_fields=True):
    """A file."""

    path: Annotated[str, Meta(min_length=1)]
    format: render.Form = "json"
    line: render.Line = render.FALCO
    keep_alive: bool = True
    max_bytes: Annotated[int, Meta(ge=0)] = 0
    keep: Annotated[int, Meta(ge=1, le=100)] = 5

    def open(self) -> "File":
        """The file is opened by the first alert."""
        return File(self)


class File:
    """Appends lines to a file."""

    batch = 100

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = Path(settings.path)
        self._form = render.form(settings.format, settings.line)
        self._descriptor: int | None = None
        self._reopen = False

    def send(self, alerts: Sequence[Alert]) -> None:
        """Append a line for each, all or none."""
        data = "".join(f"{self._form(alert)}\n" for alert in alerts).encode()
        try:
            if self._reopen:
                self.close()
            descriptor = self._opened()
            size = os.fstat(descriptor).st_size
            if size and self._settings.max_bytes and size + len(data) > self._settings.max_bytes:
                self._rotate()
                descriptor, size = self._opened(), 0
            self._write(descriptor, size, data)
        except OSError as error:
            self.close()
            raise output.UnavailableError(f"{self._path}: {error.strerror}") from error
        if not self._settings.keep_alive:
            self.close()

    def reopen(self) -> None:
        """Open the file anew before the next line: somebody else has moved it. Called by the handler of SIGUSR1."""
        self._reopen = True

    def close(self) -> None:
        """Close the file."""
        self._reopen = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            flags = os.O_APPEND | os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o640)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                # A process that was killed in the middle of a line: what it left is no part of the next one.
                os.write(self._descriptor, b"\n")
        return self._descriptor

    @staticmethod
    def _write(descriptor: int, size: int, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise

    def _rotate(self) -> None:
        self.close()
        names = [
            self._path,
            *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._settings.keep + 1)),
        ]
        for younger, older in reversed(list(itertools.pairwise(names))):
            with contextlib.suppress(FileNotFoundError):
                younger.replace(older)
