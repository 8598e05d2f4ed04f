"""One pass: read what is published and stored, take the next step, store it; until there is no next step.

Called by `init` and `rotate` on a folder (nothing is published) and by `run` on a Secret and the caBundles.
Every decision is `rotation`'s; here is only the order of reads and writes, which makes two replicas safe:

The caBundles are read before the Secret, and each write names the version that was read. Suppose another
replica stages a successor and publishes it meanwhile. If the caBundle was read before that, this replica's
write of it is refused. If it was read after that, so was the Secret, and this replica knows the successor.
So an outdated replica never takes a published authority away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from certs import errors, layout, model, rotation

_MOST_STEPS = 20
"""A full change of authority takes eight steps; more than this is a bug or a fight with another writer."""


class Store(Protocol):
    """Where the State lies: a folder or a Secret."""

    def read(self) -> tuple[Mapping[str, bytes], str]:
        """The items and their version; an absent store is empty."""

    def write(self, data: Mapping[str, bytes], version: str) -> None:
        """Replace the items; ConflictError if the version is no longer the one that was read."""


class Publication(Protocol):
    """Where the authorities are published."""

    def read(self) -> rotation.Bundles:
        """What every caBundle holds now; `publish` is guarded by the versions seen here."""

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Make every caBundle hold exactly these; ConflictError if one was written since `read`."""


class Nowhere:
    """The Publication of a folder: who reads ca.crt there needs no caBundle."""

    def read(self) -> rotation.Bundles:
        """No caBundle."""
        return ()

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Nothing to do."""


def run(
    store: Store,
    publication: Publication,
    wishes: model.Wishes,
    clock: Callable[[], dt.datetime],
    mint: rotation.Mint,
) -> tuple[rotation.Step, ...]:
    """Take every step that is due.

    Returns:
        The steps that were taken, in their order.

    Raises:
        errors.CertsError: the store or a caBundle cannot be read or written, or there is no end of steps.
    """
    taken: list[rotation.Step] = []
    for _ in range(_MOST_STEPS):
        try:
            step = take_one(store, publication, wishes, clock(), mint)
        except errors.ConflictError:
            continue
        if step is None:
            return tuple(taken)
        taken.append(step)
    raise errors.CertsError(
        str(store),
        f"no rest after {_MOST_STEPS} steps, the last: {taken[-1] if taken else 'another writer was faster'}",
        "look for a second program that writes the same objects",
    )


def take_one(
    store: Store,
    publication: Publication,
    wishes: model.Wishes,
    now: dt.datetime,
    mint: rotation.Mint,
) -> rotation.Step | None:
    """Decide and take one step; None when there is none."""
    bundles = publication.read()
    data, version = store.read()
    state = rotation.adopt(now, wishes, layout.decode(data).state, bundles)
    step = rotation.next_step(now, wishes, state, bundles)
    if isinstance(step, rotation.Publish):
        publication.publish(state.trust)
    elif step is not None:
        store.write(layout.encode(rotation.apply(step, now, wishes, state, mint)), version)
    return step
