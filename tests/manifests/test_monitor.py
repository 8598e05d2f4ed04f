"""The node monitor in the chart: what it may, what it asks for, and that nothing of it is there unless it is wanted."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

import runtime_monitor.cli
from runtime_monitor.feed import outputs
from runtime_monitor.feed import settings as feed_settings
from tests.manifests import chart
from tests.manifests.test_chart import at, check
from tests.manifests.test_rbac import rights

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("helm")]

POD = ("DaemonSet", "podseal-monitor", "spec", "template", "spec")
ON: chart.Values = {"monitor": {"enabled": True, "image": {"digest": chart.DIGEST}}}
DECLARED = {"apparmor", "capabilities", "host-namespaces", "host-path", "run-as-root"}
"""What the strict profile finds in the monitor's pod; the README has the labels that waive it."""
README = chart.CHART / "README.md"


def with_feed(settings: dict[str, Any]) -> chart.Values:
    """Values of a monitor whose feed has these settings."""
    return {"monitor": {"enabled": True, "feed": {"settings": settings}}}


@pytest.fixture(scope="module")
def on(helm: None) -> list[chart.Object]:
    """The chart's objects with the monitor."""
    del helm
    return chart.objects(ON)


def test_without_being_asked_for_there_is_none(default: list[chart.Object]) -> None:
    """Nor any right of it."""
    assert not [each for each in default if "monitor" in each["metadata"]["name"]]


def test_exactly_the_declared_controls_are_found() -> None:
    """By podseal's own strict profile; each has its exemption label in the README, and no other is there."""
    found = check(chart.render(ON), "--profile=strict")["findings"]
    named = [each for each in found if each["name"] == "podseal-monitor"]
    assert {each["control"] for each in named} == DECLARED
    assert {each["control"] for each in found if each not in named} <= {"image-digest"}
    documented = set(re.findall(r"podseal\.dev/exempt\.([a-z-]+)[:=]", README.read_text()))
    assert documented == DECLARED


def test_only_the_sensor_has_more_than_a_restricted_pod(on: list[chart.Object]) -> None:
    """The feed has another user and no capability, the first container none either; nobody is privileged."""
    pod = at(on, *POD)
    rights_of = {each["name"]: each["securityContext"] for each in (*pod["initContainers"], *pod["containers"])}
    assert {name: each["capabilities"].get("add", []) for name, each in rights_of.items()} == {
        "folders": [],
        "sensor": ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"],
        "feed": [],
    }
    assert {name: each["runAsUser"] for name, each in rights_of.items()} == {"folders": 0, "sensor": 0, "feed": 65532}
    for each in rights_of.values():
        assert each["readOnlyRootFilesystem"] is True
        assert each["allowPrivilegeEscalation"] is False
        assert each["capabilities"]["drop"] == ["ALL"]


def test_the_node_is_written_to_in_two_folders_alone(on: list[chart.Object]) -> None:
    """The spool's, which the feed reads alone but for its own folder, and the BPF file system's."""
    pod = at(on, *POD)
    hosts = {each["name"] for each in pod["volumes"] if "hostPath" in each}
    writes = {
        (container["name"], each["name"], each.get("subPath", ""))
        for container in pod["containers"]
        for each in container["volumeMounts"]
        if each["name"] in hosts and not each.get("readOnly")
    }
    assert writes == {("sensor", "spool", ""), ("sensor", "bpffs", ""), ("feed", "spool", "feed")}


RIGHTS = [
    ("", "", "pods", "", "list watch"),
    ("", "", "services", "", "list watch"),
    ("podseal-system", "apps", "daemonsets", "podseal-monitor", "get"),
]
EVENTS = ("", "", "events", "", "create")
REVIEWS = [
    ("", "authentication.k8s.io", "tokenreviews", "", "create"),
    ("", "authorization.k8s.io", "subjectaccessreviews", "", "create"),
]
ACCOUNTS: dict[str, tuple[dict[str, Any], list[Any], bool]] = {
    "by default": ({"outputs": [{"type": "stdout"}]}, RIGHTS, False),
    "Events of alerts": ({"outputs": [{"type": "kubernetes_event"}]}, [*RIGHTS, EVENTS], True),
    "tokens of clients": ({"listen": {"token_review": {}}}, [*RIGHTS, *REVIEWS], True),
}


@pytest.mark.parametrize(("settings", "expected", "token"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_rights(settings: dict[str, Any], expected: list[Any], token: bool) -> None:  # noqa: FBT001 -- a table
    """Pods of a node and Services are listed and watched, and nothing more; the feed has a token where it needs one."""
    found = chart.objects(with_feed(settings))
    assert sorted(rights(found)["podseal-monitor"]) == sorted(expected)
    mounts = {each["name"]: each["volumeMounts"] for each in at(found, *POD, "containers")}
    assert any(each["name"] == "token" for each in mounts["sensor"])
    assert any(each["name"] == "token" for each in mounts["feed"]) is token


def test_the_command_lines_are_understood() -> None:
    """The program knows all options that the chart gives it, those of rules and bundles with them."""
    values = {"monitor": {"enabled": True, "bundles": ["/run/a", "/run/b"], "rules": {"more.yaml": "- rule: x\n"}}}
    pod = at(chart.objects(values), *POD)
    lines = [[*each["command"], *each["args"]] for each in (*pod["initContainers"], *pod["containers"])]
    assert [line[1] for line in lines] == ["prepare", "run", "feed"]
    for _, name, *arguments in lines:
        context = click.Context(runtime_monitor.cli.main)
        command = runtime_monitor.cli.main.get_command(context, name)
        assert command is not None
        command.make_context(name, arguments, parent=context)
    assert {"--bundles=/run/b", "--rules=/etc/podseal/rules/more.yaml"} <= set(lines[1])


SINKS: dict[str, dict[str, Any]] = {
    "alertmanager": {"url": "http://alertmanager:9093"},
    "file": {"path": "/var/log/podseal.json"},
    "http": {"url": "http://falcosidekick:2801"},
    "kubernetes_event": {},
    "nats": {"connection": {"servers": ["tls://nats:4222"]}},
    "otlp": {"url": "http://collector:4318"},
    "program": {"command": ["/bin/true"]},
    "stdout": {"format": "json"},
    "syslog": {},
}


def test_every_sink_can_be_given(tmp_path: Path) -> None:
    """The schema takes each of them, and the feed reads what the chart writes."""
    assert set(SINKS) == set(outputs.KINDS)
    settings = {"outputs": [{"type": kind, **fields} for kind, fields in SINKS.items()]}
    data = at(chart.objects(with_feed(settings)), "ConfigMap", "podseal-monitor-feed", "data")
    file = tmp_path / "feed.yaml"
    file.write_text(data["feed.yaml"])
    assert len(feed_settings.read(file).outputs) == len(SINKS)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an output of no type": ({"outputs": [{"format": "json"}]}, "at '/monitor/feed/settings/outputs/0'"),
    "an unknown output": ({"outputs": [{"type": "pigeon"}]}, "at '/monitor/feed/settings/outputs/0"),
    "the spool, which is the chart's": ({"spool": "/x"}, "additional properties 'spool' not allowed"),
}


@pytest.mark.parametrize(("settings", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(settings: dict[str, Any], message: str) -> None:
    """By the schema that the feed's own settings make."""
    with pytest.raises(chart.HelmError) as raised:
        chart.render(with_feed(settings))
    assert message in str(raised.value)


def test_new_settings_of_the_feed_make_new_pods(on: list[chart.Object]) -> None:
    """It reads them at its start."""
    path = ("DaemonSet", "podseal-monitor", "spec", "template", "metadata", "annotations", "checksum/feed")
    assert at(on, *path) != at(chart.objects(with_feed({"log_level": "debug", "outputs": []})), *path)


def test_prometheus_finds_the_sensor() -> None:
    """By a PodMonitor, where monitoring is on."""
    found = chart.objects({**ON, "monitoring": {"serviceMonitor": {"enabled": True}}})
    selector = at(found, "PodMonitor", "podseal-monitor", "spec", "selector", "matchLabels")
    assert selector.items() <= at(found, *POD[:-1], "metadata", "labels").items()
    ports = {each["name"] for each in at(found, *POD, "containers", 0, "ports")}
    assert at(found, "PodMonitor", "podseal-monitor", "spec", "podMetricsEndpoints", 0, "port") in ports


UNITS = chart.ROOT / "manifests" / "systemd"


@pytest.mark.parametrize("unit", ["podseal-sensor", "podseal-feed"])
def test_a_units_command_line_is_understood(unit: str) -> None:
    """As the chart's."""
    (line,) = re.findall(r"^ExecStart=\S+/podseal-monitor (.*)$", (UNITS / f"{unit}.service").read_text(), re.MULTILINE)
    name, *arguments = line.split()
    context = click.Context(runtime_monitor.cli.main)
    command = runtime_monitor.cli.main.get_command(context, name)
    assert command is not None
    command.make_context(name, arguments, parent=context)
