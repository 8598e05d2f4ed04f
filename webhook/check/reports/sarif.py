"""SARIF 2.1.0 (OASIS): what code hosts show in place.

In: a report. Out: one run, whose rules are all controls. What a waiver or the baseline covers is a suppressed result;
unreadable input is a notification of a run that did not succeed.
"""

import importlib.metadata
import json
import os
import urllib.parse
from typing import Any

from webhook.check import fingerprints, model, reports
from webhook.policy import controls

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
LEVELS = {"deny": "error", "warn": "warning", "audit": "note"}
SEVERITY = {"baseline": "8.0", "default": "6.5", "strict": "4.0"}
"""The weakest profile that checks a control -> its security-severity: 7.0 and more is high, 4.0 and more medium."""

Json = dict[str, Any]


def render(report: model.Report, look: reports.Look) -> str:
    """One log with one run."""
    del look
    indexes = {control: index for index, control in enumerate(controls.CONTROLS)}
    results = _Results(indexes)
    for judged in report.judged:
        for row in judged.rows:
            results.add(row)
        for waived in judged.waived:
            results.add(waived, f"{waived.label} {waived.reason} {waived.ticket}".strip())
        for known in judged.known:
            results.add(known, "in the baseline")
    run = {
        "tool": {"driver": _driver()},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which podseal ran."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "toolExecutionNotifications": [_notification(problem) for problem in report.problems],
            }
        ],
        "results": results.all,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _driver() -> Json:
    return {
        "name": "podseal",
        "semanticVersion": importlib.metadata.version("podseal"),
        "rules": [_rule(control) for control in controls.CONTROLS.values()],
    }


def _rule(control: controls.Control) -> Json:
    weakest = min((rule.profile for rule in control.rules), key=controls.RANK.__getitem__)
    fix = f"Fix: {control.fix_hint}."
    fields = ", ".join(f"`{field}`" for field in control.fields)
    return {
        "id": control.id,
        "name": "".join(word.capitalize() for word in control.id.split("-")),
        "shortDescription": {"text": control.title},
        "fullDescription": {"text": control.why},
        "help": {
            "text": f"{control.why} Allowed: {control.allowed}. {fix}",
            "markdown": f"{control.why}\n\nFields: {fields}\n\nAllowed: {control.allowed}.\n\n{fix}",
        },
        "defaultConfiguration": {"level": "error" if weakest != "strict" else "warning"},
        "properties": {"security-severity": SEVERITY[weakest], "tags": ["security", "kubernetes"]},
    }


class _Results:
    """Collects results; a fingerprint that occurs again gets its number, so that each stays one result."""

    def __init__(self, indexes: dict[str, int]) -> None:
        self.all: list[Json] = []
        self._indexes = indexes
        self._seen: dict[str, int] = {}

    def add(self, row: model.Row, suppressed: str = "") -> None:
        """One finding; `suppressed` says why it does not count, where it does not."""
        fingerprint = fingerprints.of(row)
        occurrence = self._seen[fingerprint] = self._seen.get(fingerprint, 0) + 1
        result: Json = {
            "ruleId": row.control,
            "ruleIndex": self._indexes[row.control],
            "level": LEVELS[row.mode],
            "message": {"text": row.message},
            "locations": [
                {
                    "physicalLocation": _location(row.file, row.line, row.column),
                    "logicalLocations": [{"fullyQualifiedName": f"{_identity(row)}/{row.path}", "kind": "member"}],
                }
            ],
            "partialFingerprints": {"podseal/v1": f"{fingerprint}:{occurrence}"},
        }
        if suppressed:
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": suppressed}]
        self.all.append(result)


def _identity(row: model.Row) -> str:
    return "/".join(part for part in (row.kind, row.namespace, row.name) if part)


def _notification(problem: model.Problem) -> Json:
    return {
        "level": "error",
        "message": {"text": problem.reason},
        "locations": [{"physicalLocation": _location(problem.file, problem.line, 0)}],
    }


def _location(file: str, line: int, column: int) -> Json:
    relative = os.path.relpath(file) if os.path.isabs(file) else os.path.normpath(file)  # noqa: PTH117 -- text paths
    uri = urllib.parse.quote(relative.replace(os.sep, "/"))
    region = {"startLine": max(line, 1)} | ({"startColumn": column} if column else {})
    return {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}, "region": region}
