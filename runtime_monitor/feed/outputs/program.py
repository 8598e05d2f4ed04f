"""A program: it reads an alert a line on standard input, one process for all or one for each.

Settings: `command` (a list: no shell is involved) or `shell` (a line for /bin/sh, asked for by this name), `keep_alive`
(one process that stays), `format`, `line`, `timeout_seconds`. Nothing of an alert ever becomes part of a command line
or of the environment. Exit code 65 (sysexits' EX_DATAERR) says that this alert will never be taken; any other failure
is tried again.
"""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output, render

EX_DATAERR: Final = 65
ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="program", forbid_unknown_fields=True):
    """A program."""

    command: tuple[str, ...] = ()
    shell: str = ""
    keep_alive: bool = False
    format: render.Form = "json"
    line: render.Line = render.FALCO
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0

    def __post_init__(self) -> None:
        """One of both says what to run."""
        if bool(self.command) == bool(self.shell):
            raise ValueError("give either `command`, a list, or `shell`, a line for /bin/sh")

    def open(self) -> "Program":
        """The program is started by the first alert."""
        return Program(self)


class Program:
    """Starts the program and writes to it."""

    def __init__(self, settings: Settings) -> None:
        self.batch = 50 if settings.keep_alive else 1
        self._settings = settings
        self._command = settings.command or ("/bin/sh", "-c", settings.shell)
        self._form = render.form(settings.format, settings.line)
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, alerts: Sequence[Alert]) -> None:
        """Write a line for each; a process for one alert has to end well."""
        data = "".join(f"{self._form(alert)}\n" for alert in alerts).encode()
        try:
            process = self._running()
            self._write(process, data)
            if not self._settings.keep_alive:
                self._finish(process)
        except OSError as error:
            self.close()
            raise output.UnavailableError(f"{self._command[0]}: {error.strerror or error}") from error
        except (output.UnavailableError, output.RejectedError):
            self.close()
            raise

    def close(self) -> None:
        """End the program's whole process group."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            with contextlib.suppress(OSError):
                process.stdin.close()
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            if self._settings.keep_alive:
                process.wait(1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            self.close()
            raise output.UnavailableError(f"{self._command[0]}: it ended with exit code {code}")
        if self._process is None:
            environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603 -- the administrator's own command
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, start_new_session=True
            )
            assert self._process.stdin  # noqa: S101 -- PIPE was asked for
            os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _write(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        assert process.stdin  # noqa: S101 -- PIPE was asked for
        descriptor = process.stdin.fileno()
        while data:
            _, writable, _ = select.select([], [descriptor], [], self._settings.timeout_seconds)
            if not writable:
                seconds = self._settings.timeout_seconds
                raise output.UnavailableError(f"{self._command[0]}: it read nothing for {seconds:g} s")
            data = data[os.write(descriptor, data) :]

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin  # noqa: S101 -- PIPE was asked for
        process.stdin.close()
        try:
            code = process.wait(self._settings.timeout_seconds)
        except subprocess.TimeoutExpired:
            seconds = self._settings.timeout_seconds
            raise output.UnavailableError(f"{self._command[0]}: it did not end within {seconds:g} s") from None
        self.close()
        if code == EX_DATAERR:
            raise output.RejectedError(f"{self._command[0]}: exit code {code}")
        if code:
            raise output.UnavailableError(f"{self._command[0]}: exit code {code}")
