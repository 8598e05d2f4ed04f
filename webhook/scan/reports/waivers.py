"""The waivers to act on.

In: rows of `webhook.scan.waivers`. Out: lines, or the value of the JSON report.
"""

from collections.abc import Sequence
from typing import Any

from webhook.check.terminal import Style
from webhook.scan import waivers
from webhook.scan.reports import columns

HEAD = ("NAMESPACE", "CONTROL", "ENDS", "PODS", "STATE", "TICKET", "REASON")


def table(rows: Sequence[waivers.Row], days: int, style: Style) -> list[str]:
    """The nearest end first."""
    if not rows:
        return [f"no waiver ends within {columns.number(days, 'day')}, and all are in use"]
    cells = [
        (
            row.use.namespace,
            row.use.control,
            row.use.label.rpartition("=")[2],
            str(row.use.pods),
            _state(row),
            row.use.ticket,
            row.use.reason,
        )
        for row in rows
    ]
    expiring, unused = sum(row.expiring for row in rows), sum(row.unused for row in rows)
    within = columns.number(days, "day")
    return [
        *columns.aligned(HEAD, cells, style),
        "",
        f"{columns.number(expiring, 'waiver')} ending within {within}, {unused} that no running pod needs",
    ]


def _state(row: waivers.Row) -> str:
    left = f"{columns.number(row.days_left or 0, 'day')} left" if row.expiring else ""
    return ", ".join(part for part in (left, "unused" if row.unused else "") if part)


def value(rows: Sequence[waivers.Row]) -> dict[str, Any]:
    """The JSON report; `until` is the first instant at which a waiver no longer holds."""
    return {
        "waivers": [
            {
                "namespace": row.use.namespace,
                "control": row.use.control,
                "label": row.use.label,
                "until": row.use.until,
                "days_left": row.days_left,
                "pods": row.use.pods,
                "expiring": row.expiring,
                "unused": row.unused,
                "ticket": row.use.ticket,
                "reason": row.use.reason,
            }
            for row in rows
        ]
    }
