"""Upkeep against a real API server: Events by kubectl, tampering by real edits, retention, each with its own rights."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from tests.cluster import beds, waiting
from tests.cluster.e2e import installation, registration, shipped
from tests.manifests import chart
from tests.webhook import serving
from webhook import apiserver, metrics, sessions
from webhook.policy import guard, model
from webhook.upkeep import expiry, retention, tampering

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def client(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.Client]:
    """That of the webhook's own ServiceAccount: what is done here is done with the chart's rights and no others."""
    with shipped.applied(bed, chart.objects(None, "--include-crds")):
        file = tmp_path_factory.mktemp("account") / "kubeconfig"
        yield apiserver.connect(str(shipped.kubeconfig(bed, installation.ACCOUNT, file)))


def figure(figures: metrics.Upkeep, metric: str, /, **labels: str) -> float:
    """A figure, 0 where there is none."""
    registry = CollectorRegistry()
    registry.register(figures)
    return registry.get_sample_value(metric, labels) or 0.0


def test_each_threshold_leaves_one_event_over_all_replicas(
    bed: beds.Bed, client: apiserver.Client, namespace: str
) -> None:
    """Two replicas look every six hours for a month, by a clock of ours; kubectl shows three Events."""
    last_day = (NOW + timedelta(days=20)).date().isoformat()
    known = {namespace: guard.NamespaceKeys({"podseal.dev/exempt.privileged": last_day})}
    clock = [NOW]
    replicas = [metrics.Upkeep(), metrics.Upkeep()]
    looks = [expiry.Expiry(client, lambda: known, model.Defaults(), each, lambda: clock[0]) for each in replicas]
    for quarter in range(4 * 30):
        clock[0] = NOW + timedelta(hours=6 * quarter)
        for look in looks:
            look.work()
    arguments = ("get", "events", "--namespace", namespace, "--field-selector", "involvedObject.kind=Namespace")
    events = json.loads(bed.admin(*arguments, "-o", "json"))["items"]
    assert sorted(each["metadata"]["name"].rpartition(".")[2] for each in events) == ["14d", "1d", "7d"]
    assert all(f"podseal.dev/exempt.privileged={last_day} ends" in each["message"] for each in events)
    assert {each["reason"] for each in events} == {"ExemptionEnds"}
    assert sum(figure(each, "podseal_waiver_events_total", reason="ExemptionEnds") for each in replicas) == 3
    assert "ExemptionEnds" in bed.admin("get", "events", "--namespace", namespace)


def test_a_namespace_that_is_gone_is_no_failure(client: apiserver.Client) -> None:
    """Its waivers may still be in memory."""
    known = {"never-was": guard.NamespaceKeys({"podseal.dev/exempt.privileged": NOW.date().isoformat()})}
    expiry.Expiry(client, lambda: known, model.Defaults(), metrics.Upkeep(), lambda: NOW).work()


OBJECTS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


@pytest.fixture
def installed(bed: beds.Bed, tmp_path: Path) -> Iterator[Path]:
    """The chart's admission objects, by kubectl apply; nobody listens, so they fail open and match no namespace."""
    objects = registration.by_url(chart.objects(), "127.0.0.1:1", b"")
    for each in objects:
        each["metadata"]["name"] = "podseal"
        for webhook in each["webhooks"]:
            del webhook["clientConfig"]["caBundle"]
            webhook |= {"failurePolicy": "Ignore", "namespaceSelector": {"matchLabels": {"nobody": "has-this"}}}
    guards = [each for each in chart.objects() if each["kind"].startswith("ValidatingAdmissionPolicy")]
    (tmp_path / "guard.yaml").write_text(yaml.safe_dump_all(guards))
    (tmp_path / "webhooks.yaml").write_text(yaml.safe_dump_all(objects))
    bed.apply({"apiVersion": "v1", "kind": "List", "items": objects})
    yield tmp_path
    for kind in OBJECTS:
        bed.admin("delete", kind.lower(), "podseal", "--ignore-not-found")


EDITS: dict[str, list[dict[str, Any]]] = {
    "no rules": [{"op": "remove", "path": "/webhooks/0/rules"}],
    "another failure policy": [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}],
    "a condition": [
        {"op": "add", "path": "/webhooks/0/matchConditions/-", "value": {"name": "no", "expression": "false"}}
    ],
    "an object selector": [
        {"op": "add", "path": "/webhooks/0/objectSelector", "value": {"matchLabels": {"let": "in"}}}
    ],
    "fewer resources": [{"op": "replace", "path": "/webhooks/0/rules/0/resources", "value": ["configmaps"]}],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_is_seen_and_its_mending_too(
    bed: beds.Bed, client: apiserver.Client, installed: Path, edit: list[dict[str, Any]]
) -> None:
    """What the API server has made of the objects is the same as what was rendered, until somebody edits one."""
    figures = metrics.Upkeep()
    compare = tampering.Tampering(client, installed, figures)
    labels = {"kind": OBJECTS[0], "name": "podseal"}
    compare.work()
    assert figure(figures, "podseal_config_tampered", **labels) == 0, compare._told
    bed.admin("patch", OBJECTS[0].lower(), "podseal", "--type=json", "-p", json.dumps(edit))
    compare.work()
    assert figure(figures, "podseal_config_tampered", **labels) == 1
    # An apply would leave what it does not know: conditions and selectors that somebody added.
    bed.admin("replace", "-f", str(installed / "webhooks.yaml"))
    compare.work()
    assert figure(figures, "podseal_config_tampered", **labels) == 0, compare._told


def test_a_deletion_is_seen(bed: beds.Bed, client: apiserver.Client, installed: Path) -> None:
    """The other object stays as it is."""
    figures = metrics.Upkeep()
    bed.admin("delete", OBJECTS[1].lower(), "podseal")
    tampering.Tampering(client, installed, figures).work()
    assert figure(figures, "podseal_config_tampered", kind=OBJECTS[1], name="podseal") == 1
    assert figure(figures, "podseal_config_tampered", kind=OBJECTS[0], name="podseal") == 0


def test_a_disarmed_guard_is_seen(bed: beds.Bed, client: apiserver.Client, installed: Path) -> None:
    """A binding that only warns lets everybody label; what the API server filled in of the policy is no difference."""
    figures = metrics.Upkeep()
    compare = tampering.Tampering(client, installed, figures)
    labels = {"kind": "ValidatingAdmissionPolicyBinding", "name": "podseal-guard"}
    compare.work()
    assert figure(figures, "podseal_config_tampered", **labels) == 0, compare._told
    edit = json.dumps({"spec": {"validationActions": ["Warn"]}})
    bed.admin("patch", labels["kind"].lower(), labels["name"], "--type=merge", "-p", edit)
    compare.work()
    assert figure(figures, "podseal_config_tampered", **labels) == 1
    assert figure(figures, "podseal_config_tampered", kind="ValidatingAdmissionPolicy", name="podseal-guard") == 0
    bed.admin("replace", "-f", str(installed / "guard.yaml"))


@pytest.mark.usefixtures("client")
def test_a_server_does_it_beside_its_workers(bed: beds.Bed, installed: Path, tmp_path: Path) -> None:
    """`podseal serve --installed` tells of the configurations and of waivers at /metrics, once however many workers."""
    certificates = tmp_path / "certs"
    subprocess.run([serving.PODSEAL.with_name("podseal-certs"), "init", "--dir", certificates], check=True)
    kubeconfig = shipped.kubeconfig(bed, installation.ACCOUNT, tmp_path / "kubeconfig")
    with serving.serve(certificates, f"--kubeconfig={kubeconfig}", f"--installed={installed}") as server:
        expected = f'podseal_config_tampered{{kind="{OBJECTS[0]}",name="podseal"}} 0.0'
        text = waiting.until(
            lambda: found if expected in (found := server.probe("/metrics")[1]) else "", "a comparison"
        )
        assert text.count(expected) == 1
        waiting.until(lambda: 'podseal_waivers{state="dated"}' in server.probe("/metrics")[1], "a survey")


def test_sessions_beyond_the_limits_go(bed: beds.Bed, client: apiserver.Client) -> None:
    """The oldest of too many; later, by a clock of ours, all of them by age."""
    for number in range(5):
        target = sessions.Target(namespace="shop", pod="gone")
        command = ("sh", "-c", str(number))
        made = sessions.Session(f"aa-{number}", "exec", model.User("dev"), target, command=command)
        sessions.Recorder(client).record_now(made, seconds=30)
    figures = metrics.Upkeep()
    retention.Retention(client, retention.Limits(1, 2), figures, lambda: NOW).work()
    assert len(bed.admin("get", "xs", "-o", "name").split()) == 2
    later = NOW + timedelta(days=2)
    retention.Retention(client, retention.Limits(1, 2), figures, lambda: later).work()
    assert not bed.admin("get", "xs", "-o", "name").split()
    deleted = "podseal_exec_sessions_deleted_total"
    assert (figure(figures, deleted, reason="number"), figure(figures, deleted, reason="age")) == (3, 2)
