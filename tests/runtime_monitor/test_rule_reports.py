"""The reports of `rules check`, each against its golden file and its published schema."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from runtime_monitor import rule_reports
from runtime_monitor.rules.problems import Place, Problem

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).resolve().parents[1] / "data" / "schemas"
REPORT = rule_reports.Report(
    ("a.yaml", "folder/b c.yaml"),
    (
        Problem("error", "LOAD_ERR_X", "nonexistent field x.y", Place("a.yaml", 3, 14), "rule 'A'", "x.y = 1\n^"),
        Problem("warning", "LOAD_UNUSED_LIST", "is not used", Place("a.yaml", 1, 3), "list '\x1b[31m<l>'"),
        Problem("error", "LOAD_ERR_FILE_READ", "cannot be read: No such file or directory", Place("folder/c.yaml")),
    ),
    2,
)


@pytest.mark.parametrize("name", rule_reports.names())
def test_a_report_is_as_pinned(name: str) -> None:
    """PODSEAL_REWRITE=1 writes the golden file."""
    text = rule_reports.load(name).render(REPORT)
    golden = GOLDEN / f"rules-check.{name}.txt"
    if name == "sarif":
        document = json.loads(text)
        document["runs"][0]["tool"]["driver"]["semanticVersion"] = "VERSION"
        text = json.dumps(document, indent=2) + "\n"
    if os.environ.get("PODSEAL_REWRITE"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_sarif_is_valid() -> None:
    """By OASIS' schema."""
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(rule_reports.load("sarif").render(REPORT)))


def test_junit_is_valid() -> None:
    """By the schema of Jenkins' xunit plugin."""
    text = rule_reports.load("junit").render(REPORT)
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(ET.ElementTree(ET.fromstring(text)))  # noqa: S314 -- ours


def test_a_clean_file_is_a_case_of_junit() -> None:
    """So that the number of cases is never nought."""
    assert 'name="loads"' in rule_reports.load("junit").render(rule_reports.Report(("a.yaml",), ()))
