"""For people: each problem with its excerpt, then a line that sums up."""

from runtime_monitor.rule_reports import Report


def render(report: Report) -> str:
    """One paragraph a problem; control characters of hostile files are shown, not sent to the terminal."""
    lines = [_printable(str(problem)) for problem in report.problems]
    errors, warnings = report.count("error"), report.count("warning")
    lines.append(f"{len(report.files)} files: {report.rules} rules, {errors} errors, {warnings} warnings")
    return "\n".join(lines) + "\n"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in text)
