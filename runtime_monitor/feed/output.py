"""What an output is: settings that open it, and a `send` that either takes alerts or says why not.

Every module of `outputs/` is one: its class `Settings` extends the one here, with the module's name as its tag,
and `open` gives an `Output`. `delivery` calls `send` from one thread, with at most `batch` alerts in order, until it
returns; what is taken is never sent again but after a crash, so a receiver tells repetitions by `Alert.id`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from runtime_monitor.alerts import Alert
from runtime_monitor.feed.filters import Deduplicate, Filter, RateLimit


class UnavailableError(Exception):
    """The receiver took nothing, and may later. `after` is how many seconds it asked to be left alone, None if none."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RejectedError(Exception):
    """The receiver will never take this, however often it is sent."""


class Output(Protocol):
    """A place where alerts go."""

    batch: int
    """How many alerts `send` takes at most."""

    def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver alerts, the oldest first.

        Raises:
            UnavailableError: to be tried again, all of them. RejectedError: one of them will never be taken.
        """

    def close(self) -> None:
        """Give back what was opened."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every output has. `name` keeps its position: it must be its own, and stay.

    `start` is where an output begins that never delivered anything.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    filter: Filter = Filter()
    limit: RateLimit | None = None
    deduplicate: Deduplicate | None = None
    start: Literal["oldest", "newest"] = "oldest"

    def open(self) -> Output:
        """The output, not necessarily connected yet; each kind has its own."""
        raise NotImplementedError  # a Struct cannot be abstract too: its metaclass is not ABCMeta's
