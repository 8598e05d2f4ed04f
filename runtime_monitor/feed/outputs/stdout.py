"""Standard output: a line an alert, Falco's text or its JSON.

Settings: `format: text|json`, `line` (`render.Line`). A reader that went away is an unavailable receiver, never a crash
of the feed.
"""

import os
from collections.abc import Callable, Sequence

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output, render


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="stdout", forbid_unknown_fields=True):
    """Standard output."""

    format: render.Form = "text"
    line: render.Line = render.FALCO

    def open(self) -> "Stdout":
        """It is open already."""
        return Stdout(render.form(self.format, self.line))


class Stdout:
    """Writes whole lines to descriptor 1."""

    batch = 100

    def __init__(self, form: Callable[[Alert], str]) -> None:
        self._form = form

    def send(self, alerts: Sequence[Alert]) -> None:
        """Write a line for each."""
        data = "".join(f"{self._form(alert)}\n" for alert in alerts).encode()
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError as error:
            raise output.UnavailableError(f"standard output: {error.strerror}") from error

    def close(self) -> None:
        """It is not ours to close."""
