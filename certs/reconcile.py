"""One pass: read what is published and stored, take the next step, store it; until there is no next step.

Called by `init` and `rotate` on a folder (nothing is published) and by `run` on a Secret and the caBundles.
Every decision is `rotation`'s; here is only the order of reads and writes, which makes two replicas safe:

The caBundles are read before the Secret, and each write names the version that was read. Suppose another
replica stages a successor and publishes it meanwhile. If the caBundle was read before that, this replica's
write of it is refused. If it was read after that, so was the Secret, and this replica knows the successor.
So an outdated replica never takes a published authority away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from certs import errors, layout, model, rotation, steps

_OVERTAKEN = "another writer was faster each time"
_MOST_STEPS = 20
"""A full change of authority takes eight steps; more than this is a bug or a fight with another writer."""


Items = Mapping[str, bytes]
"""What a store holds; `layout` tells the names."""


class Store(Protocol):
    """Where the State lies: a folder or a Secret. Its text names it for messages."""

    def read(self) -> tuple[Items, str]:
        """The items and their version; an absent store is empty."""

    def write(self, data: Items, version: str) -> None:
        """Replace the items; ConflictError if the version is no longer the one that was read."""


class Publication(Protocol):
    """Where the authorities are published."""

    def read(self) -> tuple[rotation.Bundles, errors.CertsError | None]:
        """What every caBundle holds now, and the first failure to read one (which then counts as empty)."""

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Make every caBundle hold exactly these; ConflictError if one was written since `read`."""


class Nowhere:
    """The Publication of a folder: who reads ca.crt there needs no caBundle."""

    def read(self) -> tuple[rotation.Bundles, errors.CertsError | None]:
        """No caBundle."""
        return (), None

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Nothing to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """What a pass works on.

    Args:
        store: where the State lies.
        publication: where its authorities are published.
        wishes: what the user asked for.
        clock: the time, aware and in UTC.
        mint: makes certificates.
    """

    store: Store
    publication: Publication
    wishes: model.Wishes
    clock: Callable[[], dt.datetime]
    mint: rotation.Mint


_Chosen = TypeVar("_Chosen", steps.Step, steps.Step | None)

Choose = Callable[[dt.datetime, model.State, rotation.Bundles], _Chosen]
"""Decides on one step: `rotation.next_step`, or what the user forces."""


def due(site: Site, only: tuple[type, ...] = steps.ALL) -> Iterator[steps.Step]:
    """Take every step that is due, and yield each when it is done.

    Args:
        site: what to work on.
        only: kinds of steps; the first due step of another kind ends it.

    Raises:
        errors.CertsError: the store or a caBundle cannot be read or written, or there is no end of steps.
    """

    def choose(now: dt.datetime, state: model.State, bundles: rotation.Bundles) -> steps.Step | None:
        step = rotation.next_step(now, site.wishes, state, bundles)
        return step if isinstance(step, only) else None

    last = _OVERTAKEN
    for _ in range(_MOST_STEPS):
        try:
            step = take(site, choose)
        except errors.ConflictError:
            continue
        if step is None:
            return
        last = step.reason
        yield step
    raise _restless(site, last)


def insist(site: Site, choose: Choose[steps.Step]) -> steps.Step:
    """Take one step that the user forces, however often another writer is faster.

    Raises:
        errors.CertsError: `choose` refuses, or the store cannot be read or written.
    """
    for _ in range(_MOST_STEPS):
        with contextlib.suppress(errors.ConflictError):
            return take(site, choose)
    raise _restless(site, _OVERTAKEN)


def _restless(site: Site, last: str) -> errors.CertsError:
    return errors.CertsError(
        str(site.store),
        f"no rest after {_MOST_STEPS} steps, the last: {last}",
        "look for a second program that writes the same objects",
    )


def take(site: Site, choose: Choose[_Chosen]) -> _Chosen:
    """Read, let `choose` decide, and take that step; None when it wants none.

    Raises:
        errors.ConflictError: another writer was faster.
        errors.CertsError: the store or a caBundle cannot be read or written.
    """
    bundles, unreadable = site.publication.read()
    data, version = site.store.read()
    now = site.clock()
    state = layout.decode(data).state
    if unreadable is not None and rotation.forgetful(state):
        raise unreadable  # what stands there may be the only trace of an authority that is still needed
    if state.foreign and not state.trust:
        raise errors.CertsError(
            str(site.store),
            "holds a certificate that somebody else made, and no ca.crt to publish",
            "let its maker add ca.crt (cert-manager does so for a CA or self-signed issuer)",
        )
    state = rotation.adopt(now, state, bundles)
    step = choose(now, state, bundles)
    if isinstance(step, steps.Publish):
        site.publication.publish(state.trust)
    elif step is not None:
        site.store.write(layout.encode(rotation.apply(step, now, site.wishes, state, site.mint)), version)
    return step
