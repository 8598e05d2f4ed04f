"""falco.yaml as users have it."""

from pathlib import Path

import pytest

from runtime_monitor.alerts import Priority
from runtime_monitor.falco_yaml import config
from runtime_monitor.falco_yaml.config import Config, Log
from runtime_monitor.falco_yaml.listening import Web
from runtime_monitor.falco_yaml.tree import FalcoYamlError, parse

STOCK = Path(__file__).with_name("falco.yaml")


def read(text: str) -> tuple[Config, list[str]]:
    """The configuration, and what the warnings say."""
    found, warnings = config.read(parse(text, "falco.yaml"))
    return found, [warning.message for warning in warnings]


def test_falco_s_own_falco_yaml_is_read_without_a_warning() -> None:
    """Every key that Falco documents, with its default: nothing in it is lost here."""
    found, warnings = read(STOCK.read_text())
    assert warnings == []
    assert found.rules_files == (
        "/etc/falco/falco_rules.yaml",
        "/etc/falco/falco_rules.local.yaml",
        "/etc/falco/rules.d",
    )
    assert [each["type"] for each in found.outputs] == ["stdout", "syslog"]
    assert found.web == Web()
    assert found.log == Log(stderr=True, syslog=True)


def test_nothing_is_falco_s_default() -> None:
    """No file, no output, no web server."""
    assert read("") == (Config(), [])


USUAL = """
rules_file: one.yaml
watch_config_files: false
rule_matching: all
priority: NOTICE
json_output: true
log_stderr: false
log_syslog: true
log_level: warning
buffered_outputs: true
"""


def test_what_is_followed() -> None:
    """The older name of rules_files too."""
    found, warnings = read(USUAL)
    assert warnings == []
    assert (found.rules_files, found.watch, found.first, found.priority) == (
        ("one.yaml",),
        False,
        False,
        Priority.NOTICE,
    )
    assert found.json
    assert found.log == Log(stderr=False, syslog=True, level=Priority.WARNING)


WARNED = (
    ("grpc: {enabled: true}", "grpc is not followed: podseal has no gRPC"),
    ("grpc_output: {enabled: true}", "grpc_output is not followed: podseal has no gRPC"),
    ("outputs: {rate: 1}", "outputs is not followed: limits belong to an output"),
    ("outputs_queue: {capacity: 5}", "outputs_queue is not followed: the spool bounds"),
    ("output_timeout: 500", "output_timeout is not followed: each output"),
    ("capture: {enabled: true}", "capture is not followed: use `run --record FILE`"),
    ("buffer_format_base64: true", "buffer_format_base64 is not followed"),
    ("engine: {kind: gvisor}", "engine is not followed: podseal's own programs run, 'gvisor'"),
    ("syscall_event_drops: {actions: [exit]}", "syscall_event_drops.actions exit is not followed"),
    (
        "plugins: [{name: k8saudit}]",
        "plugins is not followed: podseal loads no plugins, so nothing comes from 'k8saudit'",
    ),
    ("load_plugins: [json]\nplugins: [{name: k8saudit}]", "nothing comes from 'json'"),
    ("jsno_output: true", "jsno_output is not followed: podseal has nothing for it"),
)


@pytest.mark.parametrize(("text", "message"), WARNED, ids=[text for text, _ in WARNED])
def test_what_is_not_followed_is_named(text: str, message: str) -> None:
    """With what to do instead, where there is something."""
    (warning,) = read(text)[1]
    assert message in warning


@pytest.mark.parametrize(
    "text",
    [
        "engine: {kind: kmod}",
        "plugins: [{name: container}, {name: k8smeta}]",
        "load_plugins: []\nplugins: [{name: k8saudit}]",
        "outputs_queue: {capacity: 0}",
        "grpc: {enabled: false}",
    ],
)
def test_what_is_done_anyway_is_not_warned_of(text: str) -> None:
    """Or is switched off."""
    assert read(text)[1] == []


WRONG = (
    ("priority: loud", "priority: 'loud': expected one of emergency"),
    ("rule_matching: last", "rule_matching: 'last': expected one of first, all"),
    ("json_output: maybe", "json_output: 'maybe': expected true or false"),
    ("log_level: loud", "log_level: 'loud': expected one of"),
    ("rules_files: {a: b}", "rules_files: expected a list of texts"),
    ("rules_file: a\nrules_files: b", "rules_file: rules_files is there too"),
    ("engine: {kind: x}", "engine.kind: 'x': expected one of kmod"),
)


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[text for text, _ in WRONG])
def test_what_cannot_be_used_is_refused(text: str, reason: str) -> None:
    """With the place and the key."""
    with pytest.raises(FalcoYamlError, match=r"^falco\.yaml:1:") as caught:
        read(text)
    assert reason in str(caught.value)
