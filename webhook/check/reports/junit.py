"""JUnit XML: a suite for each file, a test case for each object, a failure where the run would fail.

In: a report. Out: XML after the schema of Jenkins' xunit plugin (junit-10.xsd), which GitLab and others read too.
It has no attributes for a place: the file is the class, and each message begins with file, line and column.
"""

import re
from xml.etree import ElementTree as ET

from webhook.check import model, reports

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2, Char)."""


def render(report: model.Report, look: reports.Look) -> str:
    """One document."""
    root = ET.Element("testsuites", name="podseal check")
    for file in report.files:
        if file.judged or file.problems:
            root.append(_suite(file, look))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"


def _suite(file: model.FileResult, look: reports.Look) -> ET.Element:
    cases = [_case(judged, look) for judged in file.judged]
    if file.problems:
        cases.append(_unreadable(file))
    failed = sum(case.find("failure") is not None for case in cases)
    suite = ET.Element(
        "testsuite",
        name=_text(file.file),
        tests=str(len(cases)),
        failures=str(failed),
        errors=str(int(bool(file.problems))),
        skipped="0",
    )
    suite.extend(cases)
    return suite


def _case(judged: model.Judged, look: reports.Look) -> ET.Element:
    case = ET.Element("testcase", classname=_text(judged.file), name=_text(judged.title))
    others = []
    for row in judged.rows:
        place = f"{row.file}:{row.line}:{row.column}"
        if row.mode in look.failing:
            message = _text(f"{place}: {row.path} is {row.seen}")
            ET.SubElement(case, "failure", type=row.control, message=message).text = _text(f"{place}: {row.message}")
        else:
            others.append(f"{place}: {row.mode}: {row.control}: {row.message}")
    if others:
        ET.SubElement(case, "system-out").text = _text("\n".join(others))
    return case


def _unreadable(file: model.FileResult) -> ET.Element:
    case = ET.Element("testcase", classname=_text(file.file), name="readable")
    for problem in file.problems:
        error = ET.SubElement(case, "error", type="unreadable", message=_text(f"line {problem.line}: {problem.reason}"))
        error.text = _text(f"{problem.file}:{problem.line}: {problem.reason}")
    return case


def _text(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
