"""Text for people: what, where and how to fix it, grouped by file and object; a remedy is told once.

In: a report. Out: lines, in colour where the look says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from webhook.check import model, reports
from webhook.check.terminal import Style, printable
from webhook.policy.model import Mode

COLORS: dict[Mode, str] = {"deny": "red", "warn": "yellow", "audit": "blue"}
CONTAINER_LISTS = ("initContainers[", "containers[", "ephemeralContainers[")


def render(report: model.Report, look: reports.Look) -> str:
    """Files, then remedies, then one line of figures."""
    style = look.style
    lines: list[str] = []
    for file in report.files:
        lines += _file(file, style)
    for stale in report.stale:
        lines.append(f"{style.paint('stale', 'yellow')}  baseline: {printable(stale)} is no longer found; remove it")
    if report.stale:
        lines.append("")
    if not look.quiet:
        lines += remedies(report.rows, style)
        lines.append(_summary(report, style))
    return "".join(f"{line}\n" for line in lines)


def _file(file: model.FileResult, style: Style) -> list[str]:
    shown = [each for each in file.judged if each.rows or each.waived or each.notes or each.diff]
    if not (shown or file.problems):
        return []
    lines = [style.paint(printable(file.file), "bold")]
    for problem in file.problems:
        place = f"{problem.line}" if problem.line else "-"
        lines.append(f"  {place:<8} {style.paint('error', 'red', 'bold')}  {printable(problem.reason)}")
    for judged in shown:
        lines += _object(judged, style)
    return [*lines, ""]


def _object(judged: model.Judged, style: Style) -> Iterator[str]:
    source = style.paint(f"  from {printable(judged.source)}", "dim") if judged.source else ""
    yield f"  {style.paint(printable(judged.title), 'cyan')}{source}"
    width = max((len(row.control) for row in (*judged.rows, *judged.waived)), default=0)
    for row in judged.rows:
        mode = style.paint(f"{row.mode:<6}", COLORS[row.mode])
        yield f"    {_place(row)} {mode} {row.control:<{width}}  {what(row)}"
    for row in judged.waived:
        why = printable(" ".join(part for part in (row.label, row.reason, row.ticket) if part))
        yield f"    {_place(row)} {style.paint('waived', 'dim')} {row.control:<{width}}  {what(row)}; {why}"
    for note in judged.notes:
        yield f"    {style.paint('note', 'dim')}  {printable(note)}"
    if judged.diff:
        yield "    the webhook would change the pod:"
        yield from (_diff_line(line, style) for line in judged.diff.split("\n"))


def _place(row: model.Row) -> str:
    return f"{f'{row.line}:{row.column}':<8}"


def what(row: model.Row) -> str:
    """The container and the field as it is called there; the full path is the JSON report's."""
    path = row.path
    for kind in CONTAINER_LISTS if row.container else ():
        _, found, rest = path.partition(kind)
        if found:
            path = rest.partition("].")[2]
            break
    container = f"{row.container}: " if row.container else ""
    return printable(f"{container}{path} is {row.seen}")


def _diff_line(line: str, style: Style) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
    text = printable(line)
    return f"      {style.paint(text, color) if color else text}"


def remedies(rows: Iterable[model.Row], style: Style) -> list[str]:
    """Each remedy once, the most frequent first."""
    counts = Counter((row.control, row.fix) for row in rows)
    if not counts:
        return []
    width = max(len(control) for control, _ in counts)
    lines = [style.paint("How to fix", "bold")]
    for (control, fix), count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        lines.append(f"  {control:<{width}}  {f'{count}x':>5}  {printable(fix)}")
    return [*lines, "  Why, and how to exempt: podseal explain CONTROL", ""]


def _summary(report: model.Report, style: Style) -> str:
    judged = report.judged
    denied, warned, audited = (report.count(mode) for mode in ("deny", "warn", "audit"))
    figures = [
        style.paint(f"{denied} denied", "red" if denied else "green"),
        f"{warned} {'warning' if warned == 1 else 'warnings'}",
        f"{audited} audited",
    ]
    further = (
        (sum(each.fixed for each in judged), "repaired by the webhook"),
        (len(report.waived), "waived"),
        (sum(len(each.known) for each in judged), "in the baseline"),
        (sum(file.ignored for file in report.files), "without a pod"),
        (len(report.problems), "unreadable"),
    )
    figures += [f"{count} {what}" for count, what in further if count]
    objects = "1 object" if len(judged) == 1 else f"{len(judged)} objects"
    files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    return f"{objects} in {files}: {', '.join(figures)}"
