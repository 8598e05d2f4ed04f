"""The chart: what it says by default, what each value does, and what it refuses."""

import json
import operator
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import prometheus_client
import pytest
import yaml

import certs.cli
import webhook.cli
from tests.cluster import build
from tests.manifests import chart
from webhook import metrics, settings
from webhook.upkeep import tampering

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("helm")]

WEBHOOK = ("Deployment", "podseal-webhook", "spec", "template", "spec")
CERTS = ("Deployment", "podseal-certs", "spec", "template", "spec")
VALIDATING = ("ValidatingWebhookConfiguration", "podseal", "webhooks")
MUTATING = ("MutatingWebhookConfiguration", "podseal", "webhooks")
EXEMPT = ("namespaceSelector", "matchExpressions", 0, "values")
VERSION = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"]
GUARDED = ["kube-system", "kube-public", "kube-node-lease", "podseal-system"]


def at(objects: list[chart.Object], kind: str, name: str, *path: str | int) -> Any:  # noqa: ANN401 -- any field
    """A field of an object."""
    found: Any = chart.one(objects, kind, name)
    for step in path:
        found = found[step]
    return found


DEFAULTS: dict[str, tuple[tuple[str | int, ...], object]] = {
    "without an answer a pod is refused": ((*VALIDATING, 0, "failurePolicy"), "Fail"),
    "without an answer a workload passes": ((*VALIDATING, 1, "failurePolicy"), "Ignore"),
    "without an answer a namespace's labels change": ((*VALIDATING, 2, "failurePolicy"), "Ignore"),
    "without an answer a pod is not repaired": ((*MUTATING, 0, "failurePolicy"), "Ignore"),
    "later sidecars are repaired too": ((*MUTATING, 0, "reinvocationPolicy"), "IfNeeded"),
    "other versions of a resource are judged too": ((*VALIDATING, 0, "matchPolicy"), "Equivalent"),
    "nothing is written by a dry run": ((*VALIDATING, 0, "sideEffects"), "NoneOnDryRun"),
    "system namespaces and podseal's own are not judged": ((*VALIDATING, 0, *EXEMPT), GUARDED),
    "nor are their workloads": ((*VALIDATING, 1, *EXEMPT), GUARDED),
    "nor are their pods repaired": ((*MUTATING, 0, *EXEMPT), GUARDED),
    "two replicas": (("Deployment", "podseal-webhook", "spec", "replicas"), 2),
    "no replica goes before a new one answers": (
        ("Deployment", "podseal-webhook", "spec", "strategy", "rollingUpdate"),
        {"maxSurge": 1, "maxUnavailable": 0},
    ),
    "evicted one after the other": (("PodDisruptionBudget", "podseal-webhook", "spec", "maxUnavailable"), 1),
    "scheduled before ordinary pods": ((*WEBHOOK, "priorityClassName"), "system-cluster-critical"),
    "variables of Services are not read as settings": ((*WEBHOOK, "enableServiceLinks"), False),
}


@pytest.mark.parametrize(("path", "expected"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_default(default: list[chart.Object], path: tuple[Any, ...], expected: object) -> None:
    """What holds without any value."""
    assert at(default, *path) == expected


OPTIONS: dict[str, tuple[chart.Values, tuple[str | int, ...], object]] = {
    "image.repository": (
        {"image": {"repository": "mirror/podseal"}}, (*WEBHOOK, "containers", 0, "image"), f"mirror/podseal:{VERSION}",
    ),
    "image.tag": ({"image": {"tag": "edge"}}, (*CERTS, "containers", 0, "image"), "podseal/webhook:edge"),
    "image.digest wins over the tag": (
        {"image": {"tag": "edge", "digest": chart.DIGEST}},
        (*WEBHOOK, "containers", 0, "image"),
        f"podseal/webhook@{chart.DIGEST}",
    ),
    "image.pullPolicy": (
        {"image": {"pullPolicy": "Always"}}, (*WEBHOOK, "containers", 0, "imagePullPolicy"), "Always",
    ),
    "imagePullSecrets": (
        {"imagePullSecrets": [{"name": "registry"}]}, (*CERTS, "imagePullSecrets"), [{"name": "registry"}],
    ),
    "exemptNamespaces of validation": (
        {"exemptNamespaces": ["cni"]}, (*VALIDATING, 0, *EXEMPT), [*GUARDED, "cni"],
    ),
    "exemptNamespaces of mutation": ({"exemptNamespaces": ["cni"]}, (*MUTATING, 0, *EXEMPT), [*GUARDED, "cni"]),
    "a namespace is exempt once": (
        {"exemptNamespaces": ["kube-system"]}, (*VALIDATING, 0, *EXEMPT), GUARDED,
    ),
    "files": ({"files": {"more.yaml": "images: []\n"}}, ("ConfigMap", "podseal", "data", "more.yaml"), "images: []\n"),
    "webhook.replicas": ({"webhook": {"replicas": 3}}, ("Deployment", "podseal-webhook", "spec", "replicas"), 3),
    "webhook.failurePolicy of pods": (
        {"webhook": {"failurePolicy": "Ignore"}}, (*VALIDATING, 0, "failurePolicy"), "Ignore",
    ),
    "webhook.timeoutSeconds": ({"webhook": {"timeoutSeconds": 2}}, (*MUTATING, 0, "timeoutSeconds"), 2),
    "webhook.resources": (
        {"webhook": {"resources": {"limits": {"memory": "1Gi"}}}},
        (*WEBHOOK, "containers", 0, "resources", "limits"),
        {"memory": "1Gi"},
    ),
    "webhook.nodeSelector": (
        {"webhook": {"nodeSelector": {"pool": "system"}}}, (*WEBHOOK, "nodeSelector"), {"pool": "system"},
    ),
    "webhook.tolerations": (
        {"webhook": {"tolerations": [{"operator": "Exists"}]}}, (*WEBHOOK, "tolerations"), [{"operator": "Exists"}],
    ),
    "settings.gracefulSeconds lengthens the pod's end": (
        {"settings": {"gracefulSeconds": 100}}, (*WEBHOOK, "terminationGracePeriodSeconds"), 110,
    ),
    "certificates.existingSecret is mounted": (
        {"certificates": {"existingSecret": "made"}}, (*WEBHOOK, "volumes", 1, "secret", "secretName"), "made",
    ),
    "certificates.leafDays": (
        {"certificates": {"leafDays": 30}},
        (*CERTS, "containers", 0, "args", -1),
        "--days-leaf=30",
    ),
    "certificates.resources": (
        {"certificates": {"resources": {"limits": {"memory": "1Gi"}}}},
        (*CERTS, "containers", 0, "resources", "limits"),
        {"memory": "1Gi"},
    ),
    "networkPolicy.enabled": (
        {"networkPolicy": {"enabled": True}},
        ("NetworkPolicy", "podseal-webhook", "spec", "ingress"),
        [{"ports": [{"port": "reviews"}]}, {"ports": [{"port": "metrics"}]}],
    ),
    "networkPolicy.metricsFrom": (
        {"networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {}}]}},
        ("NetworkPolicy", "podseal-webhook", "spec", "ingress", 1, "from"),
        [{"podSelector": {}}],
    ),
    "podseal-certs listens to nobody": (
        {"networkPolicy": {"enabled": True}},
        ("NetworkPolicy", "podseal-certs", "spec", "policyTypes"),
        ["Ingress"],
    ),
    "monitoring.serviceMonitor": (
        {"monitoring": {"serviceMonitor": {"enabled": True, "interval": "5s", "labels": {"release": "prom"}}}},
        ("ServiceMonitor", "podseal", "spec", "endpoints"),
        [{"port": "metrics", "path": "/metrics", "interval": "5s"}],
    ),
    "monitoring.prometheusRule tells of a certificate at half the time it is renewed in": (
        {"monitoring": {"prometheusRule": {"enabled": True}}, "certificates": {"leafDays": 60}},
        ("PrometheusRule", "podseal", "spec", "groups", 0, "rules", 4, "expr"),
        f"min(podseal_certificate_not_after_seconds) - time() < {10 * 86400}",
    ),
    "monitoring.dashboard": (
        {"monitoring": {"dashboard": {"enabled": True}}},
        ("ConfigMap", "podseal-dashboard", "metadata", "labels", "grafana_dashboard"),
        "1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "path", "expected"), OPTIONS.values(), ids=OPTIONS.keys())
def test_option(values: chart.Values, path: tuple[Any, ...], expected: object) -> None:
    """What a value does."""
    assert at(chart.objects(values), *path) == expected


def test_an_empty_priority_class_is_the_clusters_default() -> None:
    """The field is then absent, as an empty one names no class."""
    assert "priorityClassName" not in at(chart.objects({"priorityClassName": ""}), *WEBHOOK)


def test_a_foreign_secret_is_not_made_and_only_published() -> None:
    """cert-manager's Secret belongs to cert-manager."""
    found = chart.objects({"certificates": {"existingSecret": "made"}})
    assert [each["metadata"]["name"] for each in found if each["kind"] == "Secret"] == ["podseal-path"]
    arguments = at(found, *CERTS, "containers", 0, "args")
    assert "--publish-only" in arguments
    assert not [each for each in arguments if each.startswith(("--service", "--days"))]


REFUSED: dict[str, tuple[chart.Values, str]] = {
    "an unknown value": ({"webhook": {"replica": 3}}, "at '/webhook': additional properties 'replica' not allowed"),
    "a failure policy that is none": (
        {"webhook": {"failurePolicy": "Never"}}, "at '/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'",
    ),
    "a time that the API server would hold a pod for too long": (
        {"webhook": {"timeoutSeconds": 10}}, "at '/webhook/timeoutSeconds': maximum: got 10, want 5",
    ),
    "no replica": ({"webhook": {"replicas": 0}}, "at '/webhook/replicas': minimum: got 0, want 1"),
    "a digest that is none": ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
    "a namespace that can not exist": (
        {"exemptNamespaces": ["kube-*"]}, "at '/exemptNamespaces/0': 'kube-*' does not match pattern",
    ),
    "a policy that podseal would refuse": (
        {"policy": {"defaults": {"enforce": "severe"}}},
        "at '/policy/defaults/enforce': value must be one of 'baseline', 'default', 'off', 'strict'",
    ),
    "`off` without quotes, which YAML 1.1 takes for false": (
        {"policy": {"defaults": {"enforce": False}}}, "at '/policy/defaults/enforce': value must be one of",
    ),
    "an unknown key of the policy": (
        {"policy": {"defalts": {}}}, "at '/policy': additional properties 'defalts' not allowed",
    ),
    "an address, which is the chart's": (
        {"settings": {"bind": "0.0.0.0:1"}}, "at '/settings': additional properties 'bind' not allowed",
    ),
    "a file in place of the settings": (
        {"files": {"podseal.yaml": ""}}, "files: podseal.yaml is made of policy and settings",
    ),
    "a file that is no YAML": ({"files": {"x": ""}}, "at '/files': additional properties 'x' not allowed"),
    "a certificate that outlives its authority": (
        {"certificates": {"leafDays": 90, "authorityDays": 30}},
        "certificates.leafDays 90 is longer than certificates.authorityDays 30",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(values: chart.Values, message: str) -> None:
    """Helm renders nothing and says where and why."""
    with pytest.raises(chart.HelmError) as raised:
        chart.render(values)
    assert message in str(raised.value)


SYSTEM = ["kube-system", "kube-public", "kube-node-lease", "podseal-system"]
FLOOR = {"namespaces": ["pay-*", "x?.y"], "exec": "deny"}
GATES: dict[str, tuple[chart.Values, list[tuple[str, str, str]]]] = {
    "by default exec is recorded and connect allowed": ({}, [
        ("exec-deny", "Fail", "exec In deny"), ("exec-record", "Ignore", "exec NotIn allow deny"),
        ("connect-deny", "Fail", "connect In deny"), ("connect-record", "Ignore", "connect In record"),
    ]),
    "exec denied by default": ({"policy": {"defaults": {"exec": "deny"}}}, [
        ("exec-deny", "Fail", "exec NotIn allow record"), ("exec-record", "Ignore", "exec In record"),
    ]),
    "exec allowed by default": ({"policy": {"defaults": {"exec": "allow"}}}, [
        ("exec-deny", "Fail", "exec In deny"), ("exec-record", "Ignore", "exec In record"),
    ]),
    "connect recorded by default": ({"policy": {"defaults": {"connect": "record"}}}, [
        ("connect-record", "Ignore", "connect NotIn allow deny"),
    ]),
    "a floor that records makes `allow` no way out": (
        {"policy": {"floors": [{"namespaces": ["pay-*"], "connect": "record"}]}},
        [("connect-record", "Ignore", "connect NotIn deny"), ("exec-record", "Ignore", "exec NotIn allow deny")],
    ),
    "a floor that denies fails closed whatever the label": ({"policy": {"floors": [FLOOR]}}, [
        ("exec-deny", "Fail", "exec In deny"), ("exec-floor", "Fail", ""), ("exec-record", "Ignore", "exec NotIn deny"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), GATES.values(), ids=GATES.keys())
def test_gates(values: chart.Values, expected: list[tuple[str, str, str]]) -> None:
    """Which label of a namespace sends a reach into its pods where, and what comes of it without an answer."""
    webhooks = {each["name"].partition(".")[0]: each for each in at(chart.objects(values), *VALIDATING)}
    assert {name for name in webhooks if name.endswith("-floor")} == {n for n, _, _ in expected if n.endswith("-floor")}
    for name, failure, selector in expected:
        named, *labelled = webhooks[name]["namespaceSelector"]["matchExpressions"]
        assert (named["operator"], named["values"]) == ("NotIn", SYSTEM)
        said = [f"{each['key']} {each['operator']} {' '.join(each['values'])}" for each in labelled]
        assert (webhooks[name]["failurePolicy"], said) == (failure, [f"podseal.dev/{selector}"] if selector else [])
        assert webhooks[name]["timeoutSeconds"] == (2 if failure == "Ignore" else 5)


def test_a_floors_namespaces_are_those_of_its_own_webhook_alone() -> None:
    """The patterns of the policy become one expression, and the others have its opposite: nobody is asked twice."""
    webhooks = {each["name"]: each for each in at(chart.objects({"policy": {"floors": [FLOOR]}}), *VALIDATING)}
    named = r"request.namespace.matches('^(pay-.*|x.\\.y)$')"
    for name, expected in (("exec-floor", named), ("exec-deny", f"!({named})"), ("exec-record", f"!({named})")):
        (condition,) = webhooks[f"{name}.podseal.dev"]["matchConditions"]
        assert condition["expression"] == expected
    assert "matchConditions" not in webhooks["connect-deny.podseal.dev"]


def test_system_namespaces_are_recorded_and_never_closed() -> None:
    """kube-system and podseal's own hold the most valuable pods, and whoever repairs a cluster must reach them."""
    found = chart.objects({"exemptNamespaces": ["cni"]})
    webhooks = {each["name"]: each for each in at(found, *VALIDATING)}
    system = webhooks["system.podseal.dev"]
    (named,) = system["namespaceSelector"]["matchExpressions"]
    assert (named["operator"], named["values"]) == ("In", [*SYSTEM, "cni"])
    assert (system["failurePolicy"], system["timeoutSeconds"]) == ("Ignore", 2)
    rules = json.loads(at(found, *VALIDATING[:2], "metadata", "annotations", "podseal.dev/rules"))
    asked = {(o, r) for rule in rules["system.podseal.dev"] for o in rule["operations"] for r in rule["resources"]}
    assert asked == {("CONNECT", f"pods/{each}") for each in ("exec", "attach", "portforward", "proxy")} | {
        ("CONNECT", "services/proxy"), ("UPDATE", "pods"), ("UPDATE", "pods/ephemeralcontainers"),
    }  # fmt: skip


@pytest.mark.parametrize("values", [{}, chart.ALL_OPTIONS], ids=["default", "everything"])
def test_lint(values: chart.Values) -> None:
    """`helm lint --strict` finds nothing."""
    said = chart.helm(
        "lint",
        "--strict",
        f"--kube-version={build.KUBERNETES_VERSION}",
        "--values=-",
        str(chart.CHART),
        stdin=json.dumps(values),
    )
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_the_chart_has_the_version_of_the_program() -> None:
    """Its image's tag follows from it."""
    program = tomllib.loads((chart.ROOT / "pyproject.toml").read_text())["project"]["version"]
    described = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert described["version"] == described["appVersion"] == program


def check(text: str, *arguments: str) -> Any:  # noqa: ANN401 -- JSON
    """What `podseal check` finds in manifests."""
    command = [str(Path(sys.executable).with_name("podseal")), "check", "-", "-o", "json", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_podseals_own_pods_pass_its_strict_profile() -> None:
    """With a digest nothing is found, in the pods of the hook neither; the monitor has a test of its own."""
    report = check(
        chart.render({**chart.ALL_OPTIONS, "monitor": {"image": {"digest": chart.DIGEST}}}), "--profile=strict"
    )
    assert report["findings"] == []
    assert report["summary"]["objects"] == 4


def test_without_a_digest_that_alone_is_found() -> None:
    """None is made up for a default value."""
    report = check(chart.render(), "--profile=strict")
    assert {each["control"] for each in report["findings"]} == {"image-digest"}


def test_the_default_passes_the_default_profile() -> None:
    """Installed in a namespace that podseal judged, it would start."""
    assert not [each for each in check(chart.render())["findings"] if each["mode"] == "deny"]


def test_podseal_reads_the_file_that_the_chart_writes(tmp_path: Path) -> None:
    """Values arrive as settings and policies; a quoted `off` stays a word."""
    values = {
        "settings": {"workers": 4, "logLevel": "debug"},
        "policy": {"defaults": {"enforce": "strict", "mutate": "off"}, "exempt": {"users": ["operator"]}},
    }
    data = at(chart.objects(values), "ConfigMap", "podseal", "data")
    file = tmp_path / "podseal.yaml"
    file.write_text(data["podseal.yaml"])
    assert settings.server(file).workers == 4
    policies = settings.policies(file)
    assert (policies.defaults.enforce.profile, policies.defaults.mutate) == ("strict", "off")
    assert policies.exempt.users == ("operator",)


def test_new_settings_make_new_pods(default: list[chart.Object]) -> None:
    """They are read at the start alone."""
    path = ("Deployment", "podseal-webhook", "spec", "template", "metadata", "annotations", "checksum/config")
    changed = chart.objects({"settings": {"workers": 3}})
    assert at(default, *path) != at(changed, *path)


def containers(objects: list[chart.Object]) -> dict[str, list[str]]:
    """Container -> its command line."""
    return {
        each["name"]: [*each["command"], *each["args"]]
        for found in objects
        if found["kind"] in ("Deployment", "Job")
        for each in found["spec"]["template"]["spec"]["containers"]
    }


@pytest.mark.parametrize("existing", ["", "made"], ids=["own certificates", "cert-manager's"])
def test_every_command_line_is_understood(existing: str) -> None:
    """The programs know all options that the chart gives them."""
    programs: dict[str, click.Command] = {"podseal": webhook.cli.main, "podseal-certs": certs.cli.main}
    lines = containers(chart.objects({"certificates": {"existingSecret": existing}}))
    assert set(lines) == {"webhook", "certs", "withdraw"}
    for program, name, *arguments in lines.values():
        group = programs[program]
        assert isinstance(group, click.Group)
        context = click.Context(group)
        command = group.get_command(context, name)
        assert command is not None, f"{program} has no {name}"
        command.make_context(name, arguments, parent=context)


def test_nothing_is_sent_before_the_webhook_is_registered(default: list[chart.Object]) -> None:
    """Webhooks have no rules; those of the annotation name exactly them."""
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        found = chart.one(default, kind, "podseal")
        rules = json.loads(found["metadata"]["annotations"]["podseal.dev/rules"])
        assert set(rules) == {each["name"] for each in found["webhooks"]}
        assert all(rules.values())
        assert set(json.loads(found["metadata"]["annotations"]["podseal.dev/paths"])) == set(rules)
        for each in found["webhooks"]:
            assert "rules" not in each
            assert set(each["clientConfig"]) == {"service"}
            assert set(each["clientConfig"]["service"]) == {"name", "namespace", "port"}


def test_what_podseal_certs_fills_is_empty_in_the_chart(default: list[chart.Object]) -> None:
    """Else an upgrade would write over certificates and the Lease's holder."""
    secret, lease = chart.one(default, "Secret", "podseal-tls"), chart.one(default, "Lease", "podseal-certs")
    assert set(secret) == {"apiVersion", "kind", "metadata", "type"}
    assert set(lease) == {"apiVersion", "kind", "metadata"}


def test_selectors_select_the_pods_they_mean(everything: list[chart.Object]) -> None:
    """Service, budget and policies find the webhook, and no other pod; podseal-certs is found by its own."""
    labels = {
        name: at(everything, "Deployment", name, "spec", "template", "metadata", "labels")
        for name in ("podseal-webhook", "podseal-certs")
    }
    selectors = {
        ("Service", "podseal", "spec", "selector"): "podseal-webhook",
        ("PodDisruptionBudget", "podseal-webhook", "spec", "selector", "matchLabels"): "podseal-webhook",
        ("NetworkPolicy", "podseal-webhook", "spec", "podSelector", "matchLabels"): "podseal-webhook",
        ("NetworkPolicy", "podseal-certs", "spec", "podSelector", "matchLabels"): "podseal-certs",
        ("Deployment", "podseal-certs", "spec", "selector", "matchLabels"): "podseal-certs",
    }
    for path, meant in selectors.items():
        selector = at(everything, *path).items()
        assert [name for name, each in labels.items() if selector <= each.items()] == [meant]
    monitor = at(everything, "ServiceMonitor", "podseal", "spec", "selector", "matchLabels")
    assert monitor.items() <= at(everything, "Service", "podseal", "metadata", "labels").items()


def test_alerts_and_dashboard_know_the_metrics_that_there_are(everything: list[chart.Object]) -> None:
    """Every podseal metric that they name is one that the webhook exports."""
    registry = prometheus_client.CollectorRegistry()
    metrics.Requests(registry)
    metrics.Certificate(registry)
    metrics.Cluster(registry)
    registry.register(metrics.Upkeep())
    exported = {"podseal_workers"}
    for family in registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        exported |= {family.name + suffix for suffix in suffixes}
    rules = at(everything, "PrometheusRule", "podseal", "spec", "groups", 0, "rules")
    board = json.loads(at(everything, "ConfigMap", "podseal-dashboard", "data", "podseal.json"))
    expressions = [each["expr"] for each in rules]
    expressions += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    named = {name for each in expressions for name in re.findall(r"\bpodseal_\w+", each)}
    assert named <= exported
    assert len(named) > 5


def test_the_dashboards_panels_do_not_overlap(everything: list[chart.Object]) -> None:
    """Each has its own place and number."""
    board = json.loads(at(everything, "ConfigMap", "podseal-dashboard", "data", "podseal.json"))
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_what_was_installed_is_what_is_installed(default: list[chart.Object]) -> None:
    """The webhook compares the cluster with the very objects that Helm sends there, and mounts them."""
    config = chart.one(default, "ConfigMap", "podseal-installed")
    told = [each for text in config["data"].values() for each in chart.parse(text)]
    compared = [each for each in default if each["kind"] in tampering.COLLECTIONS]
    key = operator.itemgetter("kind")
    assert sorted(told, key=key) == sorted(compared, key=key)
    pod = at(default, *WEBHOOK)
    (mount,) = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "installed"]
    assert f"--installed={mount['mountPath']}" in pod["containers"][0]["args"]
    assert {"name": "installed", "configMap": {"name": "podseal-installed"}} in pod["volumes"]


def test_each_day_of_a_waiver_has_one_alert(everything: list[chart.Object]) -> None:
    """Fourteen, seven and one day before its end, each until the next, ever more urgent."""
    rules = at(everything, "PrometheusRule", "podseal", "spec", "groups", 0, "rules")
    found = {each["alert"]: (each["expr"].partition("<= ")[2], each["labels"]["severity"]) for each in rules}
    ends = {name: said for name, said in found.items() if "WaiverEnds" in name}
    assert ends == {
        "PodsealWaiverEndsIn14Days": ("14 > 7", "info"),
        "PodsealWaiverEndsIn7Days": ("7 > 1", "warning"),
        "PodsealWaiverEndsIn1Days": ("1", "critical"),
    }
