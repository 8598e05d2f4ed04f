"""What `podseal-certs rotate` may do before it is due. Pure; a step, or why it would break what is served."""

from __future__ import annotations

import dataclasses
import datetime as dt

from certs import model, rotation, steps

_ASKED = "asked for"


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step is not taken, and what to do about it."""

    cause: str
    remedy: str


def renewal(now: dt.datetime, state: model.State) -> steps.Renew | Refusal:
    """A new serving certificate now."""
    if state.signer is None or not state.signer.certificate.usable(now):
        return Refusal(
            "no authority can sign before every caBundle holds the staged one",
            "run it again when the caBundles can be written",
        )
    return steps.Renew(_ASKED)


def change(
    now: dt.datetime, wishes: model.Wishes, state: model.State
) -> steps.Stage | steps.Promote | steps.Retire | Refusal:
    """The next step of a change of authority now: stage, then promote, then drop the old one.

    `settle` stands between the steps, as in an automatic change; the caller shortens it on purpose only.
    """
    if state.successor is not None:
        return _promotion(now, wishes, state)
    if state.retired:
        return _retirement(now, wishes, state)
    return steps.Stage(_ASKED)


def _promotion(now: dt.datetime, wishes: model.Wishes, state: model.State) -> steps.Promote | Refusal:
    published = state.successor_published
    if published is None:
        return Refusal(
            "the staged authority is not in every caBundle yet", "run it again when the caBundles can be written"
        )
    if now - published < wishes.settle:
        return Refusal(
            f"the staged authority is published since {published:%Y-%m-%d %H:%M:%S}Z only", _wait(published, wishes)
        )
    return steps.Promote(_ASKED)


def _retirement(now: dt.datetime, wishes: model.Wishes, state: model.State) -> steps.Retire | Refusal:
    signed_by = state.leaf.certificate.signed_by if state.leaf and rotation.serves(now, state) else ""
    fingerprints = frozenset(one.certificate.fingerprint for one in state.retired)
    if signed_by in fingerprints:
        return Refusal("a retired authority has signed what is served", "renew the serving certificate first: rotate")
    since = max(one.since for one in state.retired)
    if now - since < wishes.settle:
        return Refusal(
            f"webhooks may serve the old certificate still, replaced at {since:%Y-%m-%d %H:%M:%S}Z",
            _wait(since, wishes),
        )
    return steps.Retire(fingerprints, _ASKED)


def _wait(since: dt.datetime, wishes: model.Wishes) -> str:
    return f"run it again from {since + wishes.settle:%Y-%m-%d %H:%M:%S}Z on, or give a shorter --settle"
