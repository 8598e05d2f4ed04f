"""The steps of a rotation, as values: `rotation` decides on one, `reconcile` carries it out and tells of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """Make a successor of the signing authority."""

    done: ClassVar[str] = "made an authority"
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Renew:
    """Let the signing authority sign a new serving certificate."""

    done: ClassVar[str] = "made a serving certificate"
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Publish:
    """Make every caBundle hold exactly the State's `trust`."""

    done: ClassVar[str] = "published the authorities"
    reason: str = "a caBundle differs from ca.crt"


@dataclasses.dataclass(frozen=True, slots=True)
class MarkPublished:
    """Write down since when every caBundle holds the successor; None: not any more."""

    done: ClassVar[str] = "noted the publication"
    at: dt.datetime | None
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Promote:
    """Let the successor sign from now on, beginning with a new serving certificate."""

    done: ClassVar[str] = "changed to the staged authority, made a serving certificate"
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Retire:
    """Stop publishing these retired authorities (fingerprints)."""

    done: ClassVar[str] = "dropped a retired authority"
    fingerprints: frozenset[str]
    reason: str


Step = Stage | Renew | Publish | MarkPublished | Promote | Retire
"""Each says in `done` what it did, in `reason` why."""

ALL = (Stage, Renew, Publish, MarkPublished, Promote, Retire)
"""The kinds of steps."""
