"""The cluster's feed in the chart: what it reads, what it may, and that the nodes publish where it reads."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

import runtime_monitor.cli
from runtime_monitor.feed import settings as feed_settings
from runtime_monitor.feed.jetstream.settings import MAKER, READER
from runtime_monitor.feed.outputs import nats
from tests.manifests import chart
from tests.manifests.test_chart import at, check
from tests.manifests.test_rbac import rights

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("helm")]

POD = ("Deployment", "podseal-feed", "spec", "template", "spec")
NODE_POD = ("DaemonSet", "podseal-monitor", "spec", "template", "spec")
SERVERS = ["tls://nats-0.nats:4222", "tls://nats-1.nats:4222"]
STREAM = {"servers": SERVERS, "settings": {"max_bytes": 5_000_000_000, "subject": "shop.alerts"}}
ON: chart.Values = {
    "monitor": {"enabled": True, "image": {"digest": chart.DIGEST}},
    "stream": STREAM,
    "feed": {"enabled": True},
}


@pytest.fixture(scope="module")
def on(helm: None) -> list[chart.Object]:
    """The chart's objects with nodes that publish and a feed that reads."""
    del helm
    return chart.objects(ON)


def read(found: list[chart.Object], name: str, folder: Path) -> feed_settings.Settings:
    """A configuration as the feed reads it."""
    (folder / name).write_text(at(found, "ConfigMap", name, "data", "feed.yaml"))
    return feed_settings.read(folder / name)


def test_without_being_asked_for_there_is_none(default: list[chart.Object]) -> None:
    """Nor any right of it."""
    assert not [each for each in default if "feed" in each["metadata"]["name"]]


def test_nodes_publish_where_the_feed_reads(on: list[chart.Object], tmp_path: Path) -> None:
    """Same servers, same subject; the output of before is still there."""
    stream = read(on, "podseal-feed", tmp_path).stream
    standard, published = read(on, "podseal-monitor-feed", tmp_path).outputs
    assert standard.name == "stdout"
    assert isinstance(published, nats.Settings)
    assert stream is not None
    assert stream.max_bytes == 5_000_000_000
    assert published.connection.servers == stream.connection.servers == tuple(SERVERS)
    assert published.subject == stream.subject == "shop.alerts"


def test_a_node_has_its_own_credential_and_name(on: list[chart.Object]) -> None:
    """Of a folder of the node, or of whatever volume is given; the sensor does not see it."""
    containers = {each["name"]: each for each in at(on, *NODE_POD, "containers")}
    assert containers["feed"]["env"][0]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    users = [name for name, each in containers.items() if "nats" in [mount["name"] for mount in each["volumeMounts"]]]
    assert users == ["feed"]
    driver = {"csi": {"driver": "csi.cert-manager.io", "readOnly": True}}
    for values, expected in (
        (ON, {"hostPath": {"path": "/etc/podseal/nats", "type": "Directory"}}),
        ({**ON, "stream": {**STREAM, "nodeCredential": {"hostPath": None, **driver}}}, driver),
    ):
        volumes = {each.pop("name"): each for each in at(chart.objects(values), *NODE_POD, "volumes")}
        assert volumes["nats"] == expected


def test_without_a_stream_nodes_have_none() -> None:
    """No volume, no output, no name."""
    found = chart.objects({"monitor": {"enabled": True}})
    assert "nats" not in [each["name"] for each in at(found, *NODE_POD, "volumes")]
    assert "nats" not in at(found, "ConfigMap", "podseal-monitor-feed", "data", "feed.yaml")


def test_rights(on: list[chart.Object]) -> None:
    """It asks about its clients, and nothing more; who may read every alert is bound by whoever decides that."""
    assert sorted(rights(on)["podseal-feed"]) == [
        ("", "authentication.k8s.io", "tokenreviews", "", "create"),
        ("", "authorization.k8s.io", "subjectaccessreviews", "", "create"),
    ]
    (rule,) = at(on, "ClusterRole", "podseal-feed-reader", "rules")
    assert rule["verbs"] == ["get"]
    assert not [each for each in on if each["kind"].endswith("RoleBinding") and "reader" in str(each["roleRef"])]


def test_the_pod_is_a_restricted_one() -> None:
    """The strict profile of podseal finds nothing but the image's tag."""
    found = [each for each in check(chart.render(ON), "--profile=strict")["findings"] if each["name"] == "podseal-feed"]
    assert {each["control"] for each in found} <= {"image-digest"}


def test_each_container_sees_what_it_needs(on: list[chart.Object]) -> None:
    """Whoever makes the stream sees neither tokens nor the certificate of the page, the feed not the maker's key."""
    pod = at(on, *POD)
    assert pod["automountServiceAccountToken"] is False
    seen = {
        each["name"]: {mount["name"] for mount in each["volumeMounts"]}
        for each in (*pod["initContainers"], *pod["containers"])
    }
    assert seen == {"stream": {"config", "nats", "maker"}, "feed": {"config", "nats", "tls", "token", "copy"}}
    written = [each["name"] for each in pod["containers"][0]["volumeMounts"] if not each.get("readOnly")]
    assert written == ["copy"]


def test_somebody_else_may_make_the_stream() -> None:
    """Then no pod has that right."""
    found = chart.objects({**ON, "feed": {"enabled": True, "makerCredential": ""}})
    assert "initContainers" not in at(found, *POD)
    assert "maker" not in [each["name"] for each in at(found, *POD, "volumes")]


def test_the_command_lines_are_understood(on: list[chart.Object]) -> None:
    """The program knows all options that the chart gives it."""
    pod = at(on, *POD)
    for each in (*pod["initContainers"], *pod["containers"]):
        words: list[str] = [*each["command"], *each["args"]][1:]
        context = click.Context(runtime_monitor.cli.main)
        command: Any = runtime_monitor.cli.main
        while isinstance(command, click.Group):
            command = command.get_command(context, words.pop(0))
        command.make_context(command.name, words, parent=context)


def test_the_service_leads_to_the_pods(on: list[chart.Object]) -> None:
    """To the port that it serves."""
    selector = at(on, "Service", "podseal-feed", "spec", "selector")
    assert selector.items() <= at(on, *POD[:-1], "metadata", "labels").items()
    (port,) = at(on, "Service", "podseal-feed", "spec", "ports")
    assert port["targetPort"] in [each["name"] for each in at(on, *POD, "containers", 0, "ports")]


def test_users_are_named_in_the_readme() -> None:
    """By the DNS names that their certificates must have."""
    text = (chart.CHART / "README.md").read_text()
    assert {READER, MAKER} <= set(re.findall(r"`(podseal-[a-z]+)`", text))


REFUSED: dict[str, tuple[chart.Values, str]] = {
    "no servers": ({"feed": {"enabled": True}}, "name its servers in stream.servers"),
    "clear text": ({"stream": {"servers": ["nats://nats:4222"]}}, "does not match pattern"),
    "a password in an address": ({"stream": {"servers": ["tls://a:b@nats:4222"]}}, "does not match pattern"),
    "an unknown setting": ({"stream": {"settings": {"max_age": 3}}}, "additional properties 'max_age' not allowed"),
    "a number of replicas that JetStream does not have": ({"stream": {"settings": {"replicas": 2}}}, "must be one of"),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(values: chart.Values, message: str) -> None:
    """Before anything is installed."""
    with pytest.raises(chart.HelmError) as raised:
        chart.render(values)
    assert message in str(raised.value)
