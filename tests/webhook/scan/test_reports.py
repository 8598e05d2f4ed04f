"""The answers, each against a golden table and with the keys of its JSON; nothing hostile reaches a terminal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from tests.webhook import golden
from tests.webhook.scan import pod_objects, test_preflight
from webhook.check import reports as check_reports
from webhook.check.reports import sarif
from webhook.check.terminal import Style
from webhook.policy import guard
from webhook.scan import collect, gather, grants, model, preflight, waivers
from webhook.scan.reports import columns, findings
from webhook.scan.reports import grants as grants_report
from webhook.scan.reports import preflight as preflight_report
from webhook.scan.reports import waivers as waivers_report

GOLDEN = Path(__file__).parent / "golden"
SARIF_SCHEMA = Path(__file__).parents[2] / "data" / "schemas" / "sarif-2.1.0.json"
PLAIN = Style()
HOSTILE = "\x1b[2J<\u202e>"


def scanned(rules: Any = pod_objects.RULES) -> model.Scan:  # noqa: ANN401 -- Rules with some fields changed
    """Two namespaces: a Deployment with replicas, a waived agent, an expired label, and a hostile value."""
    shop = gather.Gatherer("shop", pod_objects.WAIVED, rules)
    replica = pod_objects.owned("ReplicaSet", "web-7c9f", **{"pod-template-hash": "7c9f"})
    for number in range(3):
        unpinned = {"image": "registry.example/shop/web:1.4", "securityContext": {"runAsUser": 0}}
        shop.add(pod_objects.pod(f"web-{number}", "shop", metadata=replica, container=unpinned))
    agent = pod_objects.owned("DaemonSet", "agent")
    shop.add(pod_objects.pod("agent-1", "shop", metadata=agent, container=pod_objects.PRIVILEGED))
    shop.add(pod_objects.pod("done", "shop", status={"phase": "Succeeded"}))
    team = gather.Gatherer("team", guard.NamespaceKeys({"podseal.dev/exempt.seccomp": "2026-01-31"}), rules)
    hostile = {"spec": {"volumes": [{"name": "v", "hostPath": {"path": f"/{HOSTILE}"}}]}}
    team.add(pod_objects.pod("odd", "team", **hostile))
    return collect.collect([shop.result(), team.result()])


LATER = msgspec.structs.replace(pod_objects.RULES, as_of=datetime(2027, 2, 1, 23, 59, 59, tzinfo=UTC))
PREFLIGHT = test_preflight.scan(
    kube_system=[test_preflight.PLUGIN],
    net=[test_preflight.PLUGIN, {}],
    mixed=[test_preflight.PLUGIN, test_preflight.BAD],
    monitoring=[test_preflight.AGENT],
    shop=[test_preflight.BAD, test_preflight.UNSET_ROOT],
)
USES = [
    model.Use("shop", "privileged", "podseal.dev/exempt.privileged=2026-11-30",
              datetime(2026, 12, 1, tzinfo=UTC), "legacy agent", "SEC-1", 4),
    model.Use("team", "seccomp", "podseal.dev/exempt.seccomp=2027-06-30",
              datetime(2027, 7, 1, tzinfo=UTC), HOSTILE, "", 0),
]  # fmt: skip
WAIVERS = waivers.to_act_on(USES, pod_objects.NOW, 14)
GRANTS = grants.Grants(
    (
        grants.Grant("grant", "Group", "system:authenticated", ("grant",), ("privileged", "seccomp"), "b1", "r1",
                     everybody=True),
        grants.Grant("grant", "ServiceAccount", "argocd/argocd-application-controller", ("*",), (), "b2", "r2",
                     wildcard=True, gitops="Argo CD"),
        grants.Grant("kubelet", "Group", "system:masters", ("*",), (), "cluster-admin", "cluster-admin",
                     wildcard=True, builtin=True),
    ),
    (grants.Void("break-glass", "User", HOSTILE, "shop/b", "keys"),),
)  # fmt: skip

TABLES = {
    "findings": lambda style: findings.table(scanned(), style),
    "findings-quiet": lambda style: findings.table(scanned(), style, quiet=True),
    "findings-as-of": lambda style: findings.table(scanned(LATER), style, until="2027-02-01"),
    "findings-cut": lambda style: (
        findings.table(collect.collect([], 0), style)
        + findings.table(model.Scan((), model.Counts(pods=1, owners=1, warn=1, cut=7, exempt=2)), style)
    ),
    "preflight": lambda style: preflight_report.table(preflight.preflight(PREFLIGHT), PREFLIGHT, style),
    "preflight-nothing": lambda style: preflight_report.table(
        preflight.preflight(collect.collect([])), collect.collect([]), style, quiet=True
    ),
    "waivers": lambda style: waivers_report.table(WAIVERS, 14, style),
    "waivers-none": lambda style: waivers_report.table((), 1, style),
    "grants": lambda style: grants_report.table(GRANTS, style),
    "grants-none": lambda style: grants_report.table(grants.Grants((), ()), style, quiet=True),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_its_golden_file_says(name: str) -> None:
    """Without colour nothing in it is an escape sequence, whatever the cluster says."""
    text = "".join(f"{line}\n" for line in TABLES[name](PLAIN))
    assert "\x1b" not in text
    assert "\u202e" not in text
    golden.compare(GOLDEN / f"{name}.txt", text)


@pytest.mark.parametrize("name", TABLES)
def test_colour_changes_nothing_but_colour(name: str) -> None:
    """The same text, once what paints it is taken away."""
    painted = "\n".join(TABLES[name](Style(colored=True)))
    plain = "\n".join(TABLES[name](PLAIN))
    for code in ("0", "1", "2", "31", "32", "33", "34", "36"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain


def test_findings_as_json_have_the_keys_of_check_and_two_more() -> None:
    """Who reads one reads the other."""
    value = msgspec.json.decode(msgspec.json.encode(findings.value(scanned())))
    assert set(value) == {"findings", "waived", "errors", "problems", "summary"}
    keys = {"control", "mode", "file", "line", "column", "kind", "namespace", "name", "container", "path"}
    assert set(value["findings"][0]) == keys | {"seen", "allowed", "message", "fix", "pods", "pod"}
    assert value["waived"][0]["ticket"] == "SEC-1"
    assert value["summary"]["pods"] == 5
    assert value["summary"]["deny"] == sum(row["mode"] == "deny" for row in value["findings"])
    assert [each["namespace"] for each in value["problems"]] == ["team"]


def test_what_breaks_later_names_its_waiver_in_json() -> None:
    """And the day that was asked about."""
    value = msgspec.json.decode(msgspec.json.encode(findings.value(scanned(LATER), "2027-02-01")))
    assert value["as_of"] == "2027-02-01"
    assert {(row["control"], row["label"]) for row in value["findings"]} == {
        ("privileged", "podseal.dev/exempt.privileged=2027-01-31")
    }


VALUES = {
    "preflight": (
        lambda: preflight_report.value(preflight.preflight(PREFLIGHT), PREFLIGHT),
        {"namespaces", "infrastructure", "values", "findings", "summary"},
    ),
    "waivers": (lambda: waivers_report.value(WAIVERS), {"waivers"}),
    "grants": (lambda: grants_report.value(GRANTS), {"powers", "grants", "without_effect"}),
}


@pytest.mark.parametrize(("value", "keys"), VALUES.values(), ids=VALUES.keys())
def test_other_answers_have_their_keys(value: Any, keys: set[str]) -> None:  # noqa: ANN401 -- a function
    """All of it can be written as JSON."""
    assert set(msgspec.json.decode(msgspec.json.encode(value()))) == keys


def test_the_charts_value_is_in_the_json() -> None:
    """As values.yaml names it."""
    value = preflight_report.value(preflight.preflight(PREFLIGHT), PREFLIGHT)
    assert value["values"] == {"exemptNamespaces": ("mixed", "net")}
    values = Path(__file__).parents[3] / "manifests" / "helm" / "podseal" / "values.yaml"
    assert "\nexemptNamespaces:" in values.read_text()


@pytest.mark.parametrize("rules", [pod_objects.RULES, LATER], ids=["now", "later"])
def test_sarif_fits_its_schema(rules: Any) -> None:  # noqa: ANN401 -- as above
    """The place of a finding is its owner's place in the cluster."""
    log = msgspec.json.decode(sarif.render(scanned(rules).report, check_reports.Look()))
    jsonschema.Draft4Validator(msgspec.json.decode(SARIF_SCHEMA.read_bytes())).validate(log)
    places = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in log["runs"][0]["results"]}
    assert "shop/DaemonSet/agent" in places


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """But for what follows the last."""
    lines = columns.aligned(("A", "B"), [("long", "x"), ("s", "yy")], PLAIN)
    assert lines == ["A     B", "long  x", "s     yy"]
