"""JUnit XML after the schema of Jenkins' xunit plugin: a suite for each file, in it a case for each problem."""

import re
from xml.etree import ElementTree as ET

from runtime_monitor.rule_reports import Report
from runtime_monitor.rules.problems import Problem

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2, Char)."""


def render(report: Report) -> str:
    """One document; errors are failures, warnings are said in `system-out`."""
    root = ET.Element("testsuites", name="podseal-monitor rules check")
    for file in dict.fromkeys([*report.files, *(problem.place.file for problem in report.problems)]):
        root.append(_suite(file, [problem for problem in report.problems if problem.place.file == file]))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"


def _suite(file: str, problems: list[Problem]) -> ET.Element:
    failures = sum(problem.severity == "error" for problem in problems)
    attributes = {"name": _text(file), "tests": str(max(len(problems), 1)), "failures": str(failures)}
    suite = ET.Element("testsuite", attributes | {"errors": "0", "skipped": "0"})
    if not problems:
        ET.SubElement(suite, "testcase", classname=_text(file), name="loads")
    for problem in problems:
        name = _text(problem.item or f"line {problem.place.line}")
        case = ET.SubElement(suite, "testcase", classname=_text(file), name=name)
        if problem.severity == "error":
            failure = ET.SubElement(case, "failure", type=problem.code, message=_text(problem.message))
            failure.text = _text(str(problem))
        else:
            ET.SubElement(case, "system-out").text = _text(str(problem))
    return suite


def _text(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
