"""One `podseal.dev/exempt.<control>` label: from its text to a `Waiver`, and from a `Waiver` to what it covers.

In: the label, the annotations beside it, the settings, the time. Out: a waiver or the reason why there is none; and,
for a violation, the waiver that lets it pass. Called by `exceptions` (parsing) and `decide` (covering).
What cannot be read exempts nothing.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from webhook.policy import containers, controls, images, labels, model

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SOON = timedelta(days=14)
"""How long before its end a waiver is spoken of."""
NO_DATE = "is no date; write the last valid day as YYYY-MM-DD"


def parse(
    name: str, value: str, notes: Mapping[str, str], defaults: model.Defaults, now: datetime
) -> tuple[model.Waiver | None, str]:
    """A waiver, or None and the problem.

    Args:
        name: the label without the prefix, as in `exempt.privileged`.
        value: its value: the last valid day (UTC), or `permanent`.
        notes: the namespace's annotations without the prefix.
        defaults: what the settings allow.
        now: aware time.
    """
    control = name.removeprefix(labels.EXEMPT)
    label = labels.PREFIX + name
    if control not in controls.CONTROLS:
        return None, f"{label}: there is no control {control!r}{labels.nearest(control, controls.CONTROLS)}"
    until, problem = _until(value, defaults, now)
    if problem:
        return None, f"{label}={value}: {problem}"
    for detail, required in (("reason", defaults.require_reason), ("ticket", defaults.require_ticket)):
        if required and not notes.get(f"{name}.{detail}", "").strip():
            return None, f"{label}: exempts nothing without the annotation {label}.{detail}"
    waiver = model.Waiver(
        control=control,
        label=f"{label}={value}",
        until=until,
        service_accounts=_list(notes.get(f"{name}.serviceaccounts")),
        images=_list(notes.get(f"{name}.images")),
        reason=notes.get(f"{name}.reason", ""),
        ticket=notes.get(f"{name}.ticket", ""),
    )
    return waiver, ""


def _until(value: str, defaults: model.Defaults, now: datetime) -> tuple[datetime | None, str]:
    """The instant at which a waiver ends, or why its date does not count."""
    if value == labels.PERMANENT:
        return None, "" if defaults.allow_permanent else "the settings allow no permanent exemption; give a date"
    until = last_instant(value, defaults)
    if until is None:
        return None, NO_DATE
    if until <= now:
        return None, "has expired, so that the control denies again; prolong it or remove the label"
    if defaults.max_exemption_days and until > now + timedelta(days=defaults.max_exemption_days + 1):
        return None, f"is more than {defaults.max_exemption_days} days away, the settings' maximum; give a nearer day"
    return until, ""


def last_instant(value: str, defaults: model.Defaults) -> datetime | None:
    """The first instant at which a waiver of this label value no longer holds; None where the value is no date."""
    # fromisoformat alone takes 20270131 and 2027-W05-7 too; the guard compares these values as strings.
    if not ISO_DATE.fullmatch(value):
        return None
    try:
        day = datetime.combine(date.fromisoformat(value), time(tzinfo=UTC))
        return day + timedelta(minutes=defaults.expiry_time)
    except (ValueError, OverflowError):
        return None


def _list(value: str | None) -> tuple[str, ...] | None:
    """The entries of a comma-separated annotation; None where there is no annotation, so no narrowing."""
    return None if value is None else tuple(part.strip() for part in value.split(",") if part.strip())


def covering(
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
        account = view.spec.service_account_name or "default"
        if waiver.service_accounts is not None and account not in waiver.service_accounts:
            continue
        if waiver.images is not None and not _images_covered(waiver.images, violation, view):
            continue
        return waiver
    return None


def ending(used: Iterable[model.Waiver], now: datetime) -> list[str]:
    """A line for each waiver in use that ends soon, for whoever deploys: each once, the days rounded up."""
    lines = {}
    for waiver in used:
        if waiver.until is not None and waiver.until - now <= SOON:
            days = -((now - waiver.until) // timedelta(days=1))
            left = "today" if days <= 1 else f"in {days} days"
            lines[waiver.control] = f"{waiver.label} ends {left}; then {waiver.control} denies these pods"
    return list(lines.values())


def _images_covered(allowed: tuple[str, ...], violation: model.Violation, view: containers.PodView) -> bool:
    """Whether the violating container's image is listed; for a field of the whole pod, every container's."""
    if violation.container:
        return _image_covered(violation.image, allowed)
    return bool(view.containers) and all(
        _image_covered(each.container.image or "", allowed) for each in view.containers
    )


def _image_covered(image: str, allowed: tuple[str, ...]) -> bool:
    """An entry names a repository in full, registry included, or that and a digest.

    Unlike the catalogue's names it never matches by suffix: a waiver for `shop/agent` must not cover
    `evil.example/shop/agent`.
    """
    repository, digest = images.full_repository(image), images.digest(image)
    for entry in allowed:
        name, _, pinned = entry.partition("@")
        if images.full_repository(name) == repository and (not pinned or pinned == digest):
            return True
    return False
