"""What is found in the running pods, now or by a later date.

In: a scan. Out: lines, or the value of the JSON report, whose findings have the keys of `check`'s and two more.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from webhook.check import model as check_model
from webhook.check.reports import text
from webhook.check.terminal import Style, printable
from webhook.scan import model
from webhook.scan.reports import columns

HEAD = ("NAMESPACE", "OWNER", "PODS", "MODE", "CONTROL", "WHAT")


def table(scan: model.Scan, style: Style, *, until: str = "", quiet: bool = False) -> list[str]:
    """Findings, what waivers let pass, remedies, figures. With `until`, a date, only what breaks by then is told."""
    rows = [*_cells(scan.rows), *_cells(() if until else scan.waived, waived=True)]
    lines: list[str] = []
    if rows:
        lines = [*columns.aligned(HEAD, rows, style), ""]
    notes = [
        f"{style.paint('note', 'dim')}  {namespace.name}: {printable(problem)}"
        for namespace in scan.namespaces
        for problem in namespace.problems
    ]
    lines += [*notes, ""] if notes else []
    if quiet:
        return lines
    return [*lines, *text.remedies(scan.rows, style), _summary(scan.counts, style, until)]


def _cells(rows: tuple[check_model.Row, ...], *, waived: bool = False) -> Iterator[tuple[str, ...]]:
    for row in rows:
        pods = str(row.pods) if isinstance(row, model.Row | model.WaivedRow) else ""
        why = ""
        if isinstance(row, check_model.WaivedRow):
            why = "; " + " ".join(part for part in (row.label, row.reason, row.ticket) if part)
        mode = "waived" if waived else row.mode
        yield row.namespace, f"{row.kind}/{row.name}", pods, mode, row.control, text.what(row) + why


def _summary(counts: model.Counts, style: Style, until: str) -> str:
    figures = [
        style.paint(f"{counts.deny} denied", "red" if counts.deny else "green"),
        columns.number(counts.warn, "warning"),
        f"{counts.audit} audited",
    ]
    further = (
        (counts.waived, "waived"),
        (counts.cut, "more counted but not listed, for there are too many: use --namespace"),
        (counts.finished, "not judged because finished"),
        (counts.exempt, "not judged because exempt"),
    )
    figures += [f"{count} {what}" for count, what in further if count]
    scope = f"{columns.number(counts.pods, 'pod')} of {columns.number(counts.owners, 'owner')}"
    return f"{scope}{f', new by {until}' if until else ''}: {', '.join(figures)}"


def value(scan: model.Scan, until: str = "") -> dict[str, Any]:
    """The JSON report."""
    return {
        **({"as_of": until} if until else {}),
        "findings": scan.rows,
        "waived": scan.waived,
        "errors": [],
        "problems": [
            {"namespace": namespace.name, "problem": problem}
            for namespace in scan.namespaces
            for problem in namespace.problems
        ],
        "summary": structs.asdict(scan.counts),
    }
