"""falco.yaml as users have it."""

import pytest

from runtime_monitor import falco_yaml
from runtime_monitor.alerts import Priority
from runtime_monitor.falco_yaml import Config

USUAL = """
rules_files: [/etc/falco/falco_rules.yaml, /etc/falco/rules.d]
watch_config_files: false
rule_matching: all
priority: notice
json_output: true
stdout_output: {enabled: true}
append_output: [{suggested_output: true}]
syslog_output: {enabled: false}
http_output: {enabled: true, url: http://collector}
webserver: {enabled: true, listen_port: 8765}
libs_logger: {enabled: false}
syscall_event_drops: {threshold: .1}
"""


def test_what_is_followed_and_what_is_not() -> None:
    """A warning for each key that asks for something, with where it belongs; none for what is switched off."""
    config, warnings = falco_yaml.parse(USUAL, "falco.yaml")
    files = ("/etc/falco/falco_rules.yaml", "/etc/falco/rules.d")
    assert config == Config(files, watch=False, first=False, priority=Priority.NOTICE, json=True)
    assert [warning.message.partition(" is not followed: ") for warning in warnings] == [
        ("http_output", " is not followed: ", falco_yaml.ELSEWHERE["http_output"]),
        ("webserver", " is not followed: ", falco_yaml.ELSEWHERE["webserver"]),
        ("syscall_event_drops", " is not followed: ", "podseal has nothing for it"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing", "{}"])
def test_an_empty_file_says_nothing(text: str) -> None:
    """Everything as it is without."""
    assert falco_yaml.parse(text, "falco.yaml") == (Config(), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a", "expected a mapping"),
        ("a: [", "no YAML"),
        ("a: 2026-13-45", "no YAML"),
        ("rules_files: 7", "rules_files: expected a list of paths"),
        ("rules_files: [7]", "rules_files: expected a list of paths"),
        ("priority: loud", "priority: expected one of emergency"),
        ("rule_matching: last", "rule_matching: expected first or all"),
        ("json_output: maybe", "json_output: expected true or false"),
        ("stdout_output: {enabled: false}", "go to standard output in any case"),
        ("append_output: [{extra_output: x}]", "override a rule's output instead"),
        ("append_output: x", "append_output: expected a list"),
        ("x" * (falco_yaml.MAX_BYTES + 1), "this is no configuration"),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, reason: str) -> None:
    """With the file and the key."""
    with pytest.raises(falco_yaml.FalcoYamlError, match=r"^falco\.yaml: ") as caught:
        falco_yaml.parse(text, "falco.yaml")
    assert reason in str(caught.value)


def test_suggested_output_can_be_switched_off() -> None:
    """And `rules_file` is the older name."""
    config, _ = falco_yaml.parse("rules_file: a.yaml\nappend_output: [{suggested_output: false}]", "f")
    assert config == Config(("a.yaml",), append_output=False)
