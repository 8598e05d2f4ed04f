"""The Field record: what a field is called, what type it has, and how it is read from an Event.

In: what each module of `fields` declares. Out: records that `resolve` looks up, `compile` turns into code and
`podseal-monitor rules fields` prints.
"""

import enum
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from runtime_monitor.events import Event


class Type(enum.Enum):
    """What a value is; literals in conditions are read accordingly."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ADDRESS = "address"
    NETWORK = "network"
    BYTES = "bytes"


class Argument(enum.Enum):
    """What stands in the brackets."""

    NONE = "none"
    INDEX = "index"  # [2], required
    OPTIONAL_INDEX = "optional index"
    KEY = "key"  # [anything], required
    OPTIONAL_KEY = "optional key"


class Several(enum.Enum):
    """What a field with several values at once means to an operator."""

    NO = "one value"
    ANY = "any"  # proc.aname without an index: one that matches is enough
    EITHER = "either"  # fd.ip: one is enough for `=` and `in`, all must match for the other operators
    LIST = "list"  # `in`: all of them are in the list; `intersects`: at least one


class Field(Struct, frozen=True, kw_only=True):
    """One field.

    `path` is the attribute of the Event (`proc.name`), read in place by compiled conditions; where the value has to be
    made, `read` makes it, of the event alone or of the event and the argument. Either yields None for "not known".
    `words`, of a text that is words with blanks between, are those words, for `getopt`.
    `needs` are the attributes, by their names in recorded events, without which a sensor cannot fill the field;
    `events` are the event types that can carry it, None for all; `told` says of a text whether a sensor can give it.
    """

    name: str
    type: Type
    doc: str
    needs: tuple[str, ...] = ()
    path: str = ""
    read: Callable[..., Any] | None = None
    argument: Argument = Argument.NONE
    several: Several = Several.NO
    dotted: bool = False  # the argument may follow a dot: evt.arg.flags
    events: frozenset[str] | None = None
    told: Callable[[str], bool] | None = None
    words: Callable[[Event], tuple[str, ...] | None] | None = None

    def value(self, event: Event, argument: str | int | None = None) -> Any:  # noqa: ANN401 -- any type of the language
        """The value in an event, None where it is not known."""
        if self.read is not None:
            return self.read(event) if self.argument is Argument.NONE else self.read(event, argument)
        part, _, attribute = self.path.partition(".")
        return getattr(getattr(event, part), attribute)


def plain(path: str, name: str, kind: Type, doc: str, *, needs: tuple[str, ...] | None = None) -> Field:
    """A field that is an attribute of the Event as it stands."""
    return Field(name=name, type=kind, doc=doc, path=path, needs=(name,) if needs is None else needs)
