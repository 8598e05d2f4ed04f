"""The rotation, as a pure state machine: what is stored and published goes in, the next step comes out.

`next_step` decides, `apply` carries a step out on the State, `reconcile` stores and publishes the result.

A change of authority takes these steps, each of which is stored before the next is thought about:

1. Stage: a successor is made. It stands in ca.crt and signs nothing.
2. Publish: every caBundle holds old and new authority.
3. MarkPublished: since when that has been so is written down.
4. Promote: after `settle` the successor signs a new serving certificate. The old key is deleted; the old
   authority stays published, for webhooks that have not yet read the new certificate.
5. Retire: when the last certificate that the old authority signed has ended, it leaves the caBundles.

So at every moment every caBundle verifies every certificate that may be served. It serves without a break as long as
two passes fall between "due" and the end of a life. Where an outage is there already (the authority has expired or
its key is lost, and with it the serving certificate), `settle` is not waited for.

Due is 60 % of life, so that everything is over before 2/3 of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from certs import model, steps

DUE = 0.6
"""Share of a certificate's life after which it is replaced."""

_LAST_MINUTE = dt.timedelta(minutes=1)
"""An authority this near to its end signs no more: X.509 counts whole seconds, what it signs is over at once."""

Bundles = Sequence[Sequence[model.Certificate]]
"""The authorities that each published caBundle holds; an unreadable or empty one holds none."""


class Mint(Protocol):
    """Makes new certificates; `authority` has the real ones, property tests cheap ones."""

    def make_authority(self, now: dt.datetime, life: dt.timedelta) -> model.Pair:
        """A self-signed authority."""

    def make_leaf(self, now: dt.datetime, life: dt.timedelta, names: tuple[str, ...], signer: model.Pair) -> model.Pair:
        """A serving certificate that ends with its signer at the latest."""


def due_at(certificate: model.Certificate) -> dt.datetime:
    """When the certificate is to be replaced."""
    return certificate.not_before + DUE * (certificate.not_after - certificate.not_before)


def next_step(now: dt.datetime, wishes: model.Wishes, state: model.State, bundles: Bundles) -> steps.Step | None:
    """The one step to take now, or None.

    Steps on the stored State come before Publish where they do not depend on it: a serving certificate is
    renewed in time although the right to write webhook configurations is missing.
    """
    if state.foreign:
        return _publication(state, bundles)
    return (
        _staging(now, state)
        or _renewal(now, wishes, state)
        or _retirement(now, state)
        or _forgetting(now, state, bundles)
        or _publication(state, bundles)
        or _promotion(now, wishes, state)
    )


def apply(step: steps.Step, now: dt.datetime, wishes: model.Wishes, state: model.State, mint: Mint) -> model.State:
    """The State after the step. Publish leaves it as it is."""
    match step:
        case steps.Stage():
            successor = mint.make_authority(now, wishes.authority_life)
            return dataclasses.replace(state, successor=successor, successor_published=None)
        case steps.Renew() if state.signer is not None:
            leaf = _new_leaf(now, wishes, state, state.signer, mint)
            ends = (state.signed_until or state.signer.certificate.not_after, leaf.certificate.not_after)
            return dataclasses.replace(state, leaf=leaf, signed_until=max(ends))
        case steps.MarkPublished():
            return dataclasses.replace(state, successor_published=step.at)
        case steps.Promote() if state.successor is not None:
            return _promoted(now, wishes, state, state.successor, mint)
        case steps.Retire():
            kept = tuple(one for one in state.retired if one.certificate.fingerprint not in step.fingerprints)
            return dataclasses.replace(state, retired=kept)
        case _:
            return state


def forgetful(state: model.State) -> bool:
    """Whether authorities may be needed that this State does not know; see `adopt`."""
    return state.foreign or not (state.trust or state.leaf)


def adopt(now: dt.datetime, state: model.State, bundles: Bundles) -> model.State:
    """Keep publishing authorities of which only the caBundles know.

    Two states have forgotten them: the empty one (the Secret was deleted, while webhooks serve on from the
    volume that they have mounted) and the foreign one (cert-manager replaces ca.crt and tls.crt in one write,
    before webhooks have read it). Any other state knows them all, and what it does not know is drift.

    Only what stands in every caBundle that holds anything is adopted. An authority that somebody put into one
    webhook's caBundle must not come to be trusted by the others.
    """
    if not forgetful(state):
        return state
    known = {certificate.fingerprint for certificate in state.trust}
    filled = [bundle for bundle in bundles if bundle]
    adopted = tuple(
        model.Retired(one, since=now, until=one.not_after)
        for one in (filled[0] if filled else ())
        if one.is_authority and one.fingerprint not in known and now < one.not_after and _everywhere(one, filled)
    )
    return dataclasses.replace(state, retired=(*state.retired, *adopted))


def serves(now: dt.datetime, state: model.State) -> bool:
    """Whether the serving certificate can be verified now: in time, and signed by a usable published one."""
    if state.leaf is None or not state.leaf.certificate.usable(now):
        return False
    signed_by = state.leaf.certificate.signed_by
    return any(one.fingerprint == signed_by and one.usable(now) for one in state.trust)


def _staging(now: dt.datetime, state: model.State) -> steps.Stage | None:
    if state.successor is not None and state.successor.certificate.usable(now):
        return None
    if state.signer is None:
        return steps.Stage("there is no authority that can sign")
    signer = state.signer.certificate
    if not signer.usable(now):
        return steps.Stage("the authority has expired" if now >= signer.not_after else "the authority is not valid yet")
    if state.successor is not None:
        return steps.Stage("the staged authority has expired unused")
    return steps.Stage("the authority is past 60 % of its life") if now >= due_at(signer) else None


def _renewal(now: dt.datetime, wishes: model.Wishes, state: model.State) -> steps.Renew | None:
    if state.signer is None or not state.signer.certificate.usable(now + _LAST_MINUTE):
        return None
    if state.leaf is None:
        return steps.Renew("there is no serving certificate")
    leaf = state.leaf.certificate
    if not serves(now, state):
        return steps.Renew("the serving certificate cannot be verified")
    if wishes.names and set(leaf.names) != set(wishes.names):
        return steps.Renew("the names have changed")
    # A certificate that ends with its authority gains nothing from that authority: the successor will sign.
    gains = leaf.not_after < state.signer.certificate.not_after
    return steps.Renew("the serving certificate is past 60 % of its life") if gains and now >= due_at(leaf) else None


def _retirement(now: dt.datetime, state: model.State) -> steps.Retire | None:
    served_by = state.leaf.certificate.signed_by if state.leaf and serves(now, state) else ""
    over = frozenset(
        one.certificate.fingerprint
        for one in state.retired
        if now >= one.certificate.not_after or (now >= one.until and one.certificate.fingerprint != served_by)
    )
    return steps.Retire(over, "no certificate that it signed is valid any more") if over else None


def _forgetting(now: dt.datetime, state: model.State, bundles: Bundles) -> steps.MarkPublished | None:
    if state.successor is None or state.successor_published is None:
        return None
    if state.successor_published > now:
        return steps.MarkPublished(now, "it was marked by a clock that is ahead")
    if _everywhere(state.successor.certificate, bundles):
        return None
    return steps.MarkPublished(None, "the staged authority is missing in a caBundle")


def _publication(state: model.State, bundles: Bundles) -> steps.Publish | None:
    wanted = {certificate.fingerprint for certificate in state.trust}
    differs = any({certificate.fingerprint for certificate in bundle} != wanted for bundle in bundles)
    return steps.Publish() if wanted and differs else None


def _promotion(
    now: dt.datetime, wishes: model.Wishes, state: model.State
) -> steps.MarkPublished | steps.Promote | None:
    if state.successor is None:
        return None
    if not serves(now, state):
        return steps.Promote("nothing that is served can be verified, and every caBundle holds the staged authority")
    if state.successor_published is None:
        return steps.MarkPublished(now, "every caBundle holds the staged authority")
    if now - state.successor_published < wishes.settle:
        return None
    return steps.Promote("every caBundle has held the staged authority long enough")


def _everywhere(authority: model.Certificate, bundles: Bundles) -> bool:
    return all(any(certificate.fingerprint == authority.fingerprint for certificate in bundle) for bundle in bundles)


def _promoted(
    now: dt.datetime, wishes: model.Wishes, state: model.State, successor: model.Pair, mint: Mint
) -> model.State:
    retired = state.retired
    if state.signer is not None:
        old = state.signer.certificate
        until = min(old.not_after, state.signed_until or old.not_after)
        retired = (model.Retired(old, since=now, until=until), *retired)
    leaf = _new_leaf(now, wishes, state, successor, mint)
    return model.State(leaf=leaf, signer=successor, signed_until=leaf.certificate.not_after, retired=retired)


def _new_leaf(now: dt.datetime, wishes: model.Wishes, state: model.State, signer: model.Pair, mint: Mint) -> model.Pair:
    names = wishes.names or (state.leaf.certificate.names if state.leaf else ()) or ("localhost", "127.0.0.1")
    return mint.make_leaf(now, wishes.leaf_life, names, signer)
