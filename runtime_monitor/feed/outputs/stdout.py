"""Standard output: a line an alert, Falco's text or its JSON.

Settings: `format: text|json`. A reader that went away is an unavailable receiver, never a crash of the feed.
"""

import os
from collections.abc import Sequence
from typing import Literal

from runtime_monitor.alerts import Alert
from runtime_monitor.feed import output, render

FORMS = {"text": render.text, "json": render.json_line}


class Settings(output.Settings, frozen=True, kw_only=True, tag_field="type", tag="stdout", forbid_unknown_fields=True):
    """Standard output."""

    format: Literal["text", "json"] = "text"

    def open(self) -> "Stdout":
        """It is open already."""
        return Stdout(self.format)


class Stdout:
    """Writes whole lines to descriptor 1."""

    batch = 100

    def __init__(self, form: str) -> None:
        self._form = FORMS[form]

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
