"""Which waivers run out soon, and which nobody needs.

In: the uses of waivers, the time, a number of days. Out: `Row`s, the nearest end first. Called by
`webhook.commands.scan` for `--expiring`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from webhook.scan import model


class Row(Struct, frozen=True):
    """A waiver to act on. `days_left` are whole days, None without an end; it may be expiring and unused at once."""

    use: model.Use
    days_left: int | None
    expiring: bool
    unused: bool


def to_act_on(uses: Iterable[model.Use], now: datetime, days: int) -> tuple[Row, ...]:
    """The waivers that end within so many days from now, or let no running pod pass.

    Waivers that have ended already are problems of their namespace, told with every scan.
    """
    rows = (_row(use, now, timedelta(days=days)) for use in uses)
    wanted = [row for row in rows if row.expiring or row.unused]
    return tuple(sorted(wanted, key=lambda row: (row.use.until is None, row.use.until or now, row.use.namespace)))


def _row(use: model.Use, now: datetime, soon: timedelta) -> Row:
    left = None if use.until is None else use.until - now
    return Row(use, None if left is None else left.days, left is not None and left <= soon, use.pods == 0)
