"""Comparing a cluster with a folder: what is read, counted and logged."""

import copy
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from tests.webhook.scan import fake_cluster
from tests.webhook.test_namespaces import client
from tests.webhook.upkeep.test_drift import RENDERED, live
from webhook import apiserver, metrics
from webhook.policy import guard_cel
from webhook.upkeep import tampering

CONFIGURATION = f"{tampering.GROUP}/validatingwebhookconfigurations/podseal"
BINDING = f"{tampering.GROUP}/validatingadmissionpolicybindings/podseal-guard"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What was installed; a list of several documents, and one file with nothing to compare."""
    (tmp_path / "validating.yaml").write_text(yaml.safe_dump(RENDERED))
    (tmp_path / "guard.yaml").write_text(yaml.safe_dump_all([guard_cel.binding(), {"kind": "Service"}, None]))
    return tmp_path


@pytest.fixture
def cluster() -> fake_cluster.Cluster:
    """A cluster in which nothing was changed."""
    made = fake_cluster.Cluster()
    made.documents = {CONFIGURATION: live(), BINDING: guard_cel.binding()}
    return made


def tampered(figures: metrics.Upkeep) -> dict[str, float]:
    """Kind -> figure."""
    registry = CollectorRegistry()
    registry.register(figures)
    samples = [each for metric in registry.collect() for each in metric.samples]
    return {each.labels["kind"]: each.value for each in samples if each.name == "podseal_config_tampered"}


def test_an_edit_is_told_once_until_it_is_mended(
    folder: Path, cluster: fake_cluster.Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """The figure stays for as long as the edit does; the log names object and field when it begins and ends."""
    figures = metrics.Upkeep()
    with fake_cluster.serve(cluster) as address:
        compare = tampering.Tampering(client(address), folder, figures)
        compare.work()
        assert tampered(figures) == {"ValidatingWebhookConfiguration": 0, "ValidatingAdmissionPolicyBinding": 0}
        assert not caplog.records
        edited = copy.deepcopy(cluster.documents[CONFIGURATION])
        edited["webhooks"][0]["failurePolicy"] = "Ignore"
        cluster.documents[CONFIGURATION] = edited
        compare.work()
        compare.work()
        assert tampered(figures)["ValidatingWebhookConfiguration"] == 1
        (record,) = caplog.records
        assert record.__dict__["fields"] == {
            "kind": "ValidatingWebhookConfiguration",
            "name": "podseal",
            "differences": ['webhooks[0].failurePolicy: is "Ignore", installed was "Fail"'],
        }
        cluster.documents[CONFIGURATION] = live()
        compare.work()
        assert tampered(figures)["ValidatingWebhookConfiguration"] == 0
        assert caplog.records[-1].message == "configuration restored"


def test_an_object_that_is_gone_is_tampered_with(folder: Path, cluster: fake_cluster.Cluster) -> None:
    """Deleting the binding disarms the guard."""
    del cluster.documents[BINDING]
    figures = metrics.Upkeep()
    with fake_cluster.serve(cluster) as address:
        tampering.Tampering(client(address), folder, figures).work()
    assert tampered(figures)["ValidatingAdmissionPolicyBinding"] == 1


def test_what_cannot_be_read_changes_no_figure(folder: Path, cluster: fake_cluster.Cluster) -> None:
    """A failure of the chore, which is counted as such: neither an alarm nor the all-clear."""
    figures = metrics.Upkeep()
    with fake_cluster.serve(cluster) as address:
        compare = tampering.Tampering(client(address), folder, figures)
        del cluster.documents[BINDING]
        compare.work()
        cluster.refused[BINDING] = (403, "forbidden")
        with pytest.raises(apiserver.Refused):
            compare.work()
    assert tampered(figures)["ValidatingAdmissionPolicyBinding"] == 1


@pytest.mark.parametrize(("text", "problem"), [("kind: Service", "podseal-installed"), ("{", "not valid YAML")])
def test_a_folder_that_holds_nothing_to_compare_is_an_error(tmp_path: Path, text: str, problem: str) -> None:
    """It names the remedy."""
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ValueError, match=problem):
        tampering.installed(tmp_path)
