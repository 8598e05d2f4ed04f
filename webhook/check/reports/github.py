"""GitHub's workflow commands: annotations at the lines of a pull request.

In: a report. Out: one `::error`, `::warning` or `::notice` line a finding.
The escapes are those of actions/toolkit, packages/core/src/command.ts.
"""

from webhook.check import model, reports
from webhook.check.terminal import printable

LEVELS = {"deny": "error", "warn": "warning", "audit": "notice"}


def render(report: model.Report, look: reports.Look) -> str:
    """One line each for what is unreadable, then for each finding."""
    del look
    lines = [
        _command("error", f"file={_property(each.file)},line={max(each.line, 1)},title=unreadable input", each.reason)
        for each in report.problems
    ]
    lines += [_command(LEVELS[row.mode], _place(row), row.message) for row in report.rows]
    return "".join(f"{line}\n" for line in lines)


def _place(row: model.Row) -> str:
    return f"file={_property(row.file)},line={row.line},col={row.column},title={_property(f'podseal {row.control}')}"


def _command(level: str, properties: str, message: str) -> str:
    return f"::{level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    # Line ends are escaped with all else that a log viewer might obey, so that only the percent sign is left.
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
