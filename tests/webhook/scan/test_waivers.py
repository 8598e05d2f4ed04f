"""Which waivers are told, by table."""

from datetime import UTC, datetime

import pytest

from webhook.scan import model, waivers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def use(day: str, pods: int, namespace: str = "shop") -> model.Use:
    """A waiver through that day; no day means permanent."""
    until = datetime.fromisoformat(f"{day}T00:00:00+00:00") if day else None
    return model.Use(
        namespace, "privileged", f"podseal.dev/exempt.privileged={day or 'permanent'}", until, "", "", pods
    )


TOLD = {
    "ends in time": (use("2026-12-31", 3), 14, None),
    "ends soon": (use("2026-11-30", 3), 14, (6, True, False)),
    "ends exactly then": (use("2026-12-07", 3), 14, (13, True, False)),
    "ends within hours": (use("2026-11-24", 3), 0, None),
    "ends today, asked a day ahead": (use("2026-11-24", 3), 1, (0, True, False)),
    "nobody needs it": (use("2027-06-01", 0), 14, (189, False, True)),
    "nobody needs it, and it ends": (use("2026-11-30", 0), 14, (6, True, True)),
    "permanent and needed": (use("", 3), 14, None),
    "permanent and unused": (use("", 0), 14, (None, False, True)),
}


@pytest.mark.parametrize(("found", "days", "told"), TOLD.values(), ids=TOLD.keys())
def test_what_ends_or_serves_nobody_is_told(
    found: model.Use, days: int, told: tuple[int | None, bool, bool] | None
) -> None:
    """With the whole days that are left."""
    rows = waivers.to_act_on([found], NOW, days)
    assert [(row.days_left, row.expiring, row.unused) for row in rows] == ([told] if told else [])


def test_the_nearest_end_comes_first() -> None:
    """Permanent ones last, then by namespace."""
    uses = [use("", 0), use("2027-03-01", 0), use("2027-01-01", 0, "web"), use("2027-01-01", 0, "db")]
    rows = waivers.to_act_on(uses, NOW, 3650)
    assert [(row.use.namespace, row.use.label[-10:]) for row in rows] == [
        ("db", "2027-01-01"),
        ("web", "2027-01-01"),
        ("shop", "2027-03-01"),
        ("shop", "=permanent"),
    ]
