"""The reports: each against a golden file made from one report by hand, and against its format's schema."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema
from msgspec import structs

from tests.webhook import golden
from tests.webhook.check import inputs
from webhook.check import model, reports
from webhook.check.terminal import Style
from webhook.policy import controls

HERE = Path(__file__).parent
SCHEMAS = HERE.parent.parent / "data" / "schemas"

WARNED = structs.replace(
    inputs.ROW, control="seccomp", mode="warn", line=10, column=7, seen="not set", fix="set seccompProfile"
)
HOSTILE = structs.replace(
    inputs.ROW,
    mode="audit",
    container="",
    path="spec.volumes[0].hostPath.path",
    control="host-path",
    seen='"\x1b[2J\r\n::error::x % , : <b>&amp; \u202e\x00"',
    message='Pod/shop/web, spec.volumes[0].hostPath.path is "\x1b[2J\r\n::error::x % , : <b>&amp; \u202e\x00".',
)
WAIVED_CELLS = (
    *structs.astuple(structs.replace(inputs.ROW, control="capabilities", line=12)),
    *("podseal.dev/exempt.capabilities=2026-12-31", "old driver", "OPS-1"),
)
WAIVED = model.WaivedRow(*WAIVED_CELLS)
REPORT = model.Report(
    (
        model.FileResult(
            "deploy/web, 100%.yaml",
            (
                model.Judged(
                    "deploy/web, 100%.yaml",
                    2,
                    "web/templates/web.yaml",
                    "Pod",
                    "shop",
                    "web",
                    rows=(WARNED, inputs.ROW, HOSTILE),
                    waived=(WAIVED,),
                    known=(structs.replace(inputs.ROW, line=40),),
                    fixed=1,
                    notes=("podseal.dev/enforced: podseal knows no such label",),
                    diff="@@ -1,2 +1,2 @@\n a: b\n-c: d\n+c: e",
                ),
                model.Judged("deploy/web, 100%.yaml", 50, "", "Job", "", "clean"),
            ),
            ignored=3,
        ),
        model.FileResult("bad.yaml", problems=(model.Problem("bad.yaml", 7, "not valid YAML: \x1b[31m tab"),)),
        model.FileResult("gone.yaml", problems=(model.Problem("gone.yaml", 0, "cannot be read"),)),
    ),
    stale=("privileged in Pod/shop/old",),
)
COMMAND = re.compile(r"::(error|warning|notice) file=[^,:]*,line=\d+(,col=\d+)?,title=[^,:]*::")
EMPTY = model.Report(())
LOOKS = {
    "plain": reports.Look(),
    "colored": reports.Look(Style(colored=True)),
    "quiet": reports.Look(quiet=True),
    "warnings fail": reports.Look(failing=frozenset({"deny", "warn"})),
}


def _rendered(name: str, report: model.Report = REPORT, look: reports.Look = LOOKS["plain"]) -> str:
    return reports.load(name).render(report, look)


@pytest.mark.parametrize("name", reports.names())
def test_a_report_is_as_its_golden_file_says(name: str) -> None:
    """One report with everything in it, hostile text included."""
    text = _rendered(name)
    if name == "sarif":
        # The rules are the controls' own texts, and the version the package's.
        log = json.loads(text)
        log["runs"][0]["tool"]["driver"] = {}
        text = json.dumps(log, indent=2)
    golden.compare(HERE / "golden" / "reports" / f"{name}.txt", text)


@pytest.mark.parametrize("look", ["colored", "quiet"])
def test_the_text_report_in_other_looks(look: str) -> None:
    """Colour at words, not at white space; quiet without remedies and summary."""
    golden.compare(HERE / "golden" / "reports" / f"text-{look}.txt", _rendered("text", look=LOOKS[look]))


def test_text_without_colour_has_no_escape_sequence() -> None:
    """Not even those that the manifest brought."""
    assert "\x1b" not in _rendered("text")
    assert "\x1b[2J" not in _rendered("text", look=LOOKS["colored"])


@pytest.mark.parametrize("report", [REPORT, EMPTY], ids=["full", "empty"])
def test_sarif_fits_its_schema(report: model.Report) -> None:
    """OASIS' own, draft 4."""
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(_rendered("sarif", report)))


def test_sarif_describes_every_control_and_points_at_it() -> None:
    """RuleIndex is what viewers follow."""
    (run,) = json.loads(_rendered("sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(controls.CONTROLS)
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(0 < float(rule["properties"]["security-severity"]) <= 10 for rule in rules)


def test_sarif_fingerprints_are_unique() -> None:
    """Equal findings are numbered; else a code host would show one."""
    twice = model.Report((model.FileResult("a", (model.Judged("a", 1, "", "Pod", "", "", (inputs.ROW,) * 2),)),))
    (run,) = json.loads(_rendered("sarif", twice))["runs"]
    assert len({result["partialFingerprints"]["podseal/v1"] for result in run["results"]}) == 2


@pytest.mark.parametrize("report", [REPORT, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("look", ["plain", "warnings fail"])
def test_junit_fits_its_schema(report: model.Report, look: str) -> None:
    """Jenkins' own; control characters and markup in values included."""
    text = _rendered("junit", report, LOOKS[look])
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(ET.ElementTree(ET.fromstring(text)))  # noqa: S314 -- ours


def test_junit_counts_what_fails() -> None:
    """A failure for each finding that fails the run; a clean object is a case that passed."""
    root = ET.fromstring(_rendered("junit", look=LOOKS["warnings fail"]))  # noqa: S314 -- ours
    cases = {case.get("name"): [each.tag for each in case] for case in root.iter("testcase")}
    assert cases == {"Pod shop/web": ["failure", "failure", "system-out"], "Job clean": [], "readable": ["error"]}
    assert [suite.get("failures") for suite in root] == ["1", "0", "0"]
    assert [suite.get("errors") for suite in root] == ["0", "1", "1"]


def test_json_has_the_promised_keys() -> None:
    """And no others."""
    whole = json.loads(_rendered("json"))
    assert list(whole) == ["findings", "waived", "errors", "summary"]
    assert tuple(whole["findings"][0]) == model.Row.__struct_fields__
    assert list(whole["errors"][0]) == ["file", "line", "reason"]
    assert whole["summary"] == {"objects": 2, "deny": 1, "warn": 1, "audit": 1}


def test_github_commands_stay_on_their_lines() -> None:
    """A value from a manifest must not become a command of its own."""
    lines = _rendered("github").splitlines()
    assert len(lines) == 5
    assert all(
        re.match(r"::(error|warning|notice) file=[^,:]*,line=\d+(,col=\d+)?,title=[^,:]*::", line) for line in lines
    )


def test_an_unknown_format_is_no_module() -> None:
    """The names are the modules of the folder."""
    assert reports.names() == ["github", "json", "junit", "sarif", "text"]
