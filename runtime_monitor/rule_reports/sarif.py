"""SARIF 2.1.0 (OASIS): what code hosts show in place. A rule of SARIF is a code of Falco's here."""

import hashlib
import importlib.metadata
import json
import os
import urllib.parse
from typing import Any

from runtime_monitor.rule_reports import Report
from runtime_monitor.rules.problems import Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"

Json = dict[str, Any]


def render(report: Report) -> str:
    """One log with one run."""
    codes = sorted({problem.code for problem in report.problems})
    driver = {
        "name": "podseal-monitor",
        "semanticVersion": importlib.metadata.version("podseal"),
        "rules": [{"id": code} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which podseal-monitor ran."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code)) for problem in report.problems],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _result(problem: Problem, index: int) -> Json:
    item = f"{problem.item}: " if problem.item else ""
    excerpt = f"\n{problem.excerpt}" if problem.excerpt else ""
    seen = f"{problem.code}\0{problem.place.file}\0{problem.item}\0{problem.message}"
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": f"{item}{problem.message}{excerpt}"},
        "locations": [{"physicalLocation": _location(problem)}],
        "partialFingerprints": {"podsealRules/v1": hashlib.sha256(seen.encode()).hexdigest()[:32]},
    }


def _location(problem: Problem) -> Json:
    file = problem.place.file
    relative = os.path.relpath(file) if os.path.isabs(file) else os.path.normpath(file)  # noqa: PTH117 -- text paths
    region = {"startLine": max(problem.place.line, 1)}
    if problem.place.column:
        region["startColumn"] = problem.place.column
    uri = urllib.parse.quote(relative.replace(os.sep, "/"))
    return {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}, "region": region}
