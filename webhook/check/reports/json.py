"""JSON: the one report whose keys are a promise to other programs.

In: a report. Out: {"findings", "waived", "errors", "summary"}.
"""

import msgspec

from webhook.check import model, reports


def render(report: model.Report, look: reports.Look) -> str:
    """One object, indented."""
    del look
    whole = {
        "findings": report.rows,
        "waived": report.waived,
        "errors": report.problems,
        "summary": {
            "objects": len(report.judged),
            "deny": report.count("deny"),
            "warn": report.count("warn"),
            "audit": report.count("audit"),
        },
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
