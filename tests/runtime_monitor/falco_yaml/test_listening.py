"""Falco's web server."""

import pytest

from runtime_monitor.falco_yaml import listening
from runtime_monitor.falco_yaml.listening import Web
from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import FalcoYamlError, parse
from runtime_monitor.rules.problems import Problem


def read(text: str) -> tuple[Web | None, list[str]]:
    """Where a falco.yaml listens, and its warnings."""
    warnings: list[Problem] = []
    found = listening.read(Section(parse(text, "falco.yaml"), "", warnings))
    return found, [warning.message.partition(" is")[0] for warning in warnings]


FULL = """webserver: {enabled: true, listen_address: 127.0.0.1, listen_port: 1, k8s_healthz_endpoint: /live,
  threadiness: 2, prometheus_metrics_enabled: true, ssl_enabled: true, ssl_certificate: /x.pem}"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("webserver: {enabled: false, listen_port: 9}", None),
        ("webserver: {enabled: true}", Web()),
        ("webserver: {enabled: true, listen_address: '::', ssl_certificate: /x.pem}", Web(address="::")),
        ("webserver: {enabled: true, ssl_enabled: true}", Web(certificate="/etc/falco/falco.pem")),
        (FULL, Web("127.0.0.1", 1, "/live", metrics=True, certificate="/x.pem")),
    ],
)
def test_where_it_listens(text: str, expected: Web | None) -> None:
    """Nowhere unless it is enabled; else by Falco's defaults."""
    assert read(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("metrics: {enabled: true, interval: 1h, output_rule: true, output_file: x}",
         ["metrics.output_rule", "metrics.output_file"]),
        ("metrics: {enabled: false, output_rule: true}", []),
        ("webserver: {enabled: true, colour: red}", ["webserver.colour"]),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_warned_of(text: str, warned: list[str]) -> None:
    """Snapshots of the metrics, where they are asked for."""
    assert read(text)[1] == warned


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("listen_address: localhost", "listen_address: 'localhost': expected an IP address"),
        ("listen_port: 65536", "listen_port: '65536': expected a number from 0 to 65535"),
        ("k8s_healthz_endpoint: live", "k8s_healthz_endpoint: 'live': expected a path"),
    ],
)
def test_what_is_no_address_is_refused(keys: str, reason: str) -> None:
    """As in Falco."""
    with pytest.raises(FalcoYamlError, match=r"^falco\.yaml:1:") as caught:
        read(f"webserver: {{{keys}}}")
    assert reason in str(caught.value)
