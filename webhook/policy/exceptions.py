"""Namespace labels -> the Policy that holds there, and which waiver covers a violation.

In: the labels and annotations of a namespace, the settings' defaults and floors, the time. Out: a `Policy` with its
problems: what a label said that could not be followed. Called by the webhook's app, `podseal check` and `scan`.
"""

from collections.abc import Iterable
from datetime import datetime

from webhook.policy import containers, model


def waiver_for(
    waivers: Iterable[model.Waiver],
    control: str,
    violation: model.Violation,
    view: containers.PodView,
    now: datetime,
) -> model.Waiver | None:
    """The waiver that lets this violation pass now, if there is one."""
    for waiver in waivers:
        if waiver.control != control or (waiver.until is not None and now >= waiver.until):
            continue
        if waiver.service_accounts and (view.spec.service_account_name or "default") not in waiver.service_accounts:
            continue
        if waiver.images and not _image_covered(waiver.images, violation, view):
            continue
        return waiver
    return None


def _image_covered(images: tuple[str, ...], violation: model.Violation, view: containers.PodView) -> bool:
    return violation.image in images and bool(view.containers)
