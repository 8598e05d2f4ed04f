"""JSON: `{"errors": [...], "warnings": [...], "summary": {files, rules, errors, warnings}}`."""

import json
from typing import Any

from runtime_monitor.rule_reports import Report
from runtime_monitor.rules.problems import Problem


def render(report: Report) -> str:
    """One object; each problem is {code, file, line, column, item, message, excerpt}."""
    listed = {
        f"{severity}s": [_problem(problem) for problem in report.problems if problem.severity == severity]
        for severity in ("error", "warning")
    }
    summary = {"files": len(report.files), "rules": report.rules} | {name: len(each) for name, each in listed.items()}
    return json.dumps(listed | {"summary": summary}, indent=2, ensure_ascii=False) + "\n"


def _problem(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "code": problem.code,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "item": problem.item,
        "message": problem.message,
        "excerpt": problem.excerpt,
    }
