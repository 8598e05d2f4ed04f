"""The one error that reaches a user: where it happened, what is wrong, what to do. Raised by every layer."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Exit codes of `podseal-certs`."""

    WRONG = 1
    """Something that was read is wrong: expired, mismatched, refused by the API server."""

    USAGE = 2
    """The command line is wrong, or what it names cannot be read or written."""


class CertsError(Exception):
    """A failure as one line: place, cause, remedy.

    Args:
        place: file, folder, Secret or webhook configuration.
        cause: what is wrong there.
        remedy: what to do about it.
        code: what the command exits with.
    """

    def __init__(self, place: str, cause: str, remedy: str, code: Exit = Exit.WRONG) -> None:
        super().__init__(f"{place}: {cause}; {remedy}")
        self.place = place
        self.cause = cause
        self.remedy = remedy
        self.code = code


class ConflictError(Exception):
    """Somebody else wrote first. Read again and decide anew; `reconcile` does."""
