"""Every control against its folder of cases, in every place of a container and inside every kind of workload."""

import itertools
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.webhook.policy.controls import cases
from webhook.policy import catalogue, containers, controls, decide, model, workloads
from webhook.policy.controls import control as form

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REWRITE = os.environ.get("PODSEAL_REWRITE") == "1"
CASES = cases.load()
PLACED = [pytest.param(case, place, id=f"{case.id}-{place}") for case in CASES for place in case.places]


def findings(subject: model.Subject, level: model.Level, case: cases.Case) -> list[model.Finding]:
    """What the case's control says about a subject at one level."""
    off = model.Level("off")
    policy = model.Policy(enforce=level, warn=off, audit=off, mutate="off", options=case.options)
    verdict = decide.decide(subject, policy, catalogue.Catalogue(), NOW)
    return [finding for finding in verdict.findings if finding.control == case.control]


def agree(found: list[model.Finding], expected: list[cases.Json], prefix: str, where: str) -> None:
    """The findings are the expected ones, in any order, and say whatever the case says about them."""
    wanted = sorted((prefix + each["path"], each["seen"], each["container"]) for each in expected)
    assert sorted((each.path, each.seen, each.container) for each in found) == wanted, where
    by_key = {(each.path, each.container): each for each in found}
    for each in expected:
        finding = by_key[prefix + each["path"], each["container"]]
        for key in ("allowed", "fix"):
            assert key not in each or each[key] == getattr(finding, key), f"{where}: {key}"
        assert finding.allowed, where
        assert finding.fix, where


@pytest.mark.parametrize(("case", "place"), PLACED)
def test_a_case_is_judged_alike_in_every_workload(case: cases.Case, place: str) -> None:
    """At every profile and version, as a pod and as each kind of template, with nulls written out and left out."""
    for nulls in (True, False):
        made = cases.pod(case, place, nulls=nulls)
        for kind in workloads.KINDS:
            subject = cases.subject(kind, made)
            for level in cases.profile_levels():
                where = f"{kind} at {level.profile}/v{level.version}, nulls {nulls}"
                prefix = workloads.prefix(kind)
                agree(findings(subject, level, case), case.expected(level, place), prefix, where)


@pytest.mark.parametrize("case", [case for case in CASES if "ephemeral" in case.places], ids=lambda case: case.id)
def test_a_new_ephemeral_container_is_judged_alone(case: cases.Case) -> None:
    """As `kubectl debug` sends it: what concerns the container or is inherited by it is found, and nothing else."""
    made = cases.pod(case, "ephemeral")
    before = {**made, "spec": {key: value for key, value in made["spec"].items() if key != "ephemeralContainers"}}
    new, old = cases.subject("Pod", made), cases.subject("Pod", before)
    subject = model.Subject(
        kind="Pod",
        operation="UPDATE",
        subresource="ephemeralcontainers",
        namespace="shop",
        name="case",
        pod=new.pod,
        old_pod=old.pod,
    )
    for level in cases.profile_levels():
        expected = [each for each in case.expected(level, "ephemeral") if each["container"] == "tested"]
        agree(findings(subject, level, case), expected, "", f"{level.profile}/v{level.version}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_is_in_the_right_folder(case: cases.Case) -> None:
    """What is refused somewhere is in deny (or fix), what is refused nowhere in admit."""
    refused = any(findings for findings in case.levels.values())
    assert case.control in controls.CONTROLS, f"{case.path}: no such control"
    assert case.outcome in cases.OUTCOMES, f"{case.path}: a folder is one of {cases.OUTCOMES}"
    assert refused == (case.outcome != "admit")
    for level in case.levels:
        assert level in list(cases.profile_levels()), f"{case.path}: there is no {level}"


@pytest.mark.parametrize("control", controls.CONTROLS.values(), ids=lambda control: control.id)
def test_a_rule_has_a_case_that_it_refuses_and_one_that_it_admits(control: controls.Control) -> None:
    """A rule that no case would miss is not tested; `refused` names the very profile and version of the rule."""
    own = [case for case in CASES if case.control == control.id]
    for rule in control.rules:
        level = model.Level(rule.profile, rule.since)
        name = f"{control.id}: {rule.profile}/v{rule.since}"
        assert any(case.levels.get(level) for case in own), f"{name} has no case that it refuses"
        assert any(not case.expected(level, "main") for case in own), f"{name} has no case that it admits"


def test_every_control_has_a_folder_and_every_folder_a_control() -> None:
    """With at least one admitted and one refused case each, and a fixed one where there is a fix."""
    folders = {path.name for path in cases.FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(controls.CONTROLS)
    for control in controls.CONTROLS.values():
        outcomes = {case.outcome for case in CASES if case.control == control.id}
        assert outcomes == {"admit", "deny", "fix"} if control.fix else outcomes == {"admit", "deny"}, control.id


@pytest.mark.parametrize("place", cases.PLACES)
def test_the_minimal_pod_satisfies_every_control(place: str) -> None:
    """Else a case would show more than its tweak."""
    case = cases.Case("none", "admit", "minimal", Path(), {})
    subject = cases.subject("Pod", cases.pod(case, place))
    policy = model.Policy(enforce=model.Level("strict"), options=case.options)
    assert decide.decide(subject, policy, catalogue.Catalogue(), NOW).findings == ()


@pytest.mark.parametrize(("case", "place"), [each for each in PLACED if "/fix/" in str(each.id)])
def test_a_fix_repairs_what_it_touches(case: cases.Case, place: str) -> None:
    """The edits are the golden ones; applied, the check is clean and there is nothing left to fix."""
    made = cases.pod(case, place)
    assert [each.container for each in check(case, made)] == ["tested"]
    edits = fixes(case, made)
    golden = case.path.with_suffix(".golden.json")
    shown = [
        {"edit": type(edit).__name__, **{name: getattr(edit, name) for name in edit.__struct_fields__}}
        for edit in edits
    ]
    if REWRITE:
        everything = json.loads(golden.read_text()) if golden.exists() else {}
        golden.write_text(json.dumps({**everything, place: shown}, indent=2, sort_keys=True) + "\n")
    assert shown == json.loads(golden.read_text())[place]
    apply(made, edits)
    assert check(case, made) == []
    assert fixes(case, made) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome == "deny"], ids=lambda case: case.id)
def test_a_denied_case_is_not_repaired_silently(case: cases.Case) -> None:
    """Where a control has a fix, its deny folder holds what the fix must leave alone."""
    if controls.CONTROLS[case.control].fix:
        assert fixes(case, cases.pod(case, "main")) == []


def view(case: cases.Case, made: cases.Json) -> containers.PodView:
    """The pod as controls see it."""
    decoded = cases.subject("Pod", made).pod
    assert decoded
    return containers.PodView(decoded, case.options)


def check(case: cases.Case, made: cases.Json) -> list[model.Violation]:
    """What the newest and strongest rule of the control says."""
    return list(controls.rules(model.Level("strict"))[case.control].check(view(case, made)))


def fixes(case: cases.Case, made: cases.Json) -> list[model.Edit]:
    """The edits for every container that violates."""
    fix = controls.CONTROLS[case.control].fix
    assert fix
    return [edit for each in view(case, made).containers if (edit := fix(each))]


def apply(made: cases.Json, edits: list[model.Edit]) -> None:
    """Make the edits in the JSON. A control's fix stays inside one container."""
    for edit in edits:
        assert isinstance(edit, model.SetReadOnlyRoot)
        container: dict[str, Any] = made["spec"][edit.container_kind][edit.index]
        container["securityContext"] = {**(container.get("securityContext") or {}), "readOnlyRootFilesystem": True}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "not set"),
        (msgspec.UNSET, "not set"),
        ("", '""'),
        (0, "0"),
        (["ALL"], '["ALL"]'),
        ('a"b\\\n', '"a\\"b\\\\\\n"'),
        ("\u202e\ud800\x1b", '"\\u202e\\ud800\\u001b"'),
        ("x" * 118, '"' + "x" * 118 + '"'),
        ("x" * 119, '"' + "x" * 119 + "..."),
    ],
)
def test_a_value_is_shown_as_json_in_ascii_and_cut(value: object, expected: str) -> None:
    """It is the author's, and goes to terminals, logs and HTTP headers."""
    assert form.shown(value) == expected


def test_the_profiles_of_a_released_version_stay_as_they_are() -> None:
    """Golden file: profile and version -> control -> the rule in force. An entry of an old version never changes."""
    tables = {
        f"{level.profile}/v{level.version}": {
            control: f"{rule.profile}/v{rule.since} {rule.check.__module__}.{rule.check.__qualname__}"
            for control, rule in controls.rules(level).items()
        }
        for level in cases.profile_levels()
    }
    golden = cases.FOLDER / "profiles.golden.json"
    if REWRITE:
        golden.write_text(json.dumps(tables, indent=2) + "\n")
    assert tables == json.loads(golden.read_text())


def test_a_stronger_profile_has_every_control_of_a_weaker_one() -> None:
    """And no rule of a stronger profile loses a case that a weaker one refuses."""
    tables = [set(), *(set(controls.rules(level)) for level in cases.profile_levels() if level.version == 1)]
    assert all(weaker < stronger for weaker, stronger in itertools.pairwise(tables))
    assert tables[-1] == set(controls.CONTROLS)
    for case in CASES:
        refused = [bool(case.expected(level, "main")) for level in cases.profile_levels() if level.version == 1]
        assert refused == sorted(refused), f"{case.id}: a stronger profile admits what a weaker one refuses"


@pytest.mark.parametrize("control", controls.CONTROLS.values(), ids=lambda control: control.id)
def test_the_texts_of_a_control_are_short_and_plain(control: controls.Control) -> None:
    """They go to terminals, warnings and tables: ASCII, one line, no full stop where they are put into sentences."""
    for text in (control.title, control.why, control.allowed, control.fix_hint, *control.fields):
        assert text
        assert text.isascii()
        assert "\n" not in text
    assert len(control.title) <= 40
    assert len(control.why) <= 120
    assert control.why.endswith(".")
    assert not control.title.endswith(".")
    assert not control.allowed.endswith(".")
    assert not control.fix_hint.endswith(".")
    module = __import__(f"webhook.policy.controls.{control.id.replace('-', '_')}", fromlist=["CONTROL"])
    for part in ("Fields: ", "Allowed"):
        assert part in (module.__doc__ or ""), f"the docstring has no line {part!r}"
