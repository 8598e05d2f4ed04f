"""A small world for the rotation: cheap certificates, a clock, caBundles, and webhooks that never let go.

The tests of `rotation` and `force` play it. A webhook here may serve every certificate that was ever stored,
as long as that is valid: no kubelet is slower than that.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

from certs import authority, model, rotation, steps

START = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
NAMES = ("podseal.podseal-system.svc",)
WISHES = model.Wishes(names=NAMES, authority_life=365 * DAY, leaf_life=90 * DAY)


class CheapMint:
    """Certificates without cryptography, with the dates of real ones."""

    def __init__(self) -> None:
        self._serials = itertools.count(1)

    def make_authority(self, now: dt.datetime, life: dt.timedelta) -> model.Pair:
        """A numbered authority."""
        return self._pair("ca", now, life, signed_by="")

    def make_leaf(self, now: dt.datetime, life: dt.timedelta, names: tuple[str, ...], signer: model.Pair) -> model.Pair:
        """A numbered serving certificate, cut where its signer ends as `authority.make_leaf` cuts it."""
        life = min(life, signer.certificate.not_after - now)
        leaf = self._pair("leaf", now, life, signed_by=signer.certificate.fingerprint)
        return dataclasses.replace(leaf, certificate=dataclasses.replace(leaf.certificate, names=names))

    def _pair(self, kind: str, now: dt.datetime, life: dt.timedelta, *, signed_by: str) -> model.Pair:
        name = f"{kind}-{next(self._serials)}"
        certificate = model.Certificate(
            pem=name.encode(),
            fingerprint=name,
            subject=name,
            issuer=signed_by or name,
            names=(),
            not_before=now - authority.backdate(life),
            not_after=now + life,
            is_authority=kind == "ca",
            signed_by=signed_by or name,
        )
        return model.Pair(certificate, key=b"")


class World:
    """One stored State, some caBundles and a clock that tests move."""

    def __init__(self, bundles: int = 2, wishes: model.Wishes = WISHES) -> None:
        self.now = START
        self.wishes = wishes
        self.state = model.State()
        self.bundles: list[tuple[model.Certificate, ...]] = [()] * bundles
        self.mint = CheapMint()
        self.stored: list[model.Certificate] = []
        """Every serving certificate that was ever stored, the newest last."""

    def step(self, published: int | None = None) -> steps.Step | None:
        """Take one step as `reconcile.take` does.

        Args:
            published: how many caBundles a publication reaches before it breaks off; None is all.
        """
        state = rotation.adopt(self.now, self.state, self.bundles)
        step = rotation.next_step(self.now, self.wishes, state, self.bundles)
        if isinstance(step, steps.Publish):
            reached = len(self.bundles) if published is None else published
            self.bundles[:reached] = [state.trust] * len(self.bundles[:reached])
        elif step is not None:
            self.take(step, state)
        return step

    def take(self, step: steps.Step, state: model.State | None = None) -> None:
        """Store what a step makes of the State."""
        self.state = rotation.apply(step, self.now, self.wishes, state or self.state, self.mint)
        if self.state.leaf is not None and self.state.leaf.certificate not in self.stored:
            self.stored.append(self.state.leaf.certificate)

    def settle_down(self) -> list[steps.Step]:
        """Take steps until there is none; fails where that does not end."""
        taken = []
        while (step := self.step()) is not None:
            taken.append(step)
            assert len(taken) <= 12, f"no end of steps: {[one.reason for one in taken]}"
        return taken

    def pass_time(self, time: dt.timedelta, every: dt.timedelta) -> None:
        """Let time pass, with a pass of the loop at regular intervals."""
        end = self.now + time
        while self.now < end:
            self.now += every
            self.settle_down()

    def unverifiable(self) -> list[str]:
        """Every valid certificate that may be served and that some caBundle does not verify."""
        return [
            f"{leaf.fingerprint} of {leaf.signed_by} by caBundle {number}"
            for leaf in self.stored
            if leaf.usable(self.now)
            for number, bundle in enumerate(self.bundles)
            if not any(one.fingerprint == leaf.signed_by and one.usable(self.now) for one in bundle)
        ]
