"""Falco's outputs and the feed's."""

import json
from typing import Any

import pytest

from runtime_monitor.falco_yaml import outputs
from runtime_monitor.falco_yaml.section import Section
from runtime_monitor.falco_yaml.tree import FalcoYamlError, parse
from runtime_monitor.feed import settings
from runtime_monitor.feed.outputs import file, http, program, stdout, syslog
from runtime_monitor.rules.problems import Problem

EVERY = """
json_output: true
json_include_output_property: false
json_include_message_property: true
json_include_output_fields_property: false
json_include_tags_property: false
time_format_iso_8601: true
stdout_output: {enabled: true}
syslog_output: {enabled: true}
file_output: {enabled: true, filename: /var/log/falco, keep_alive: true}
program_output: {enabled: true, program: "jq . | cat", keep_alive: true}
http_output:
  enabled: true
  url: https://sidekick:2801/?a=b
  user_agent: mine
  insecure: true
  ca_cert: /ca.pem
  mtls: true
  client_cert: /client.crt
  client_key: /client.key
  compress_uploads: true
  keep_alive: true
"""


def read(text: str) -> tuple[tuple[dict[str, Any], ...], list[Problem]]:
    """The outputs of a falco.yaml, and warnings."""
    warnings: list[Problem] = []
    return outputs.read(Section(parse(text, "falco.yaml"), "", warnings)), warnings


def opened(text: str) -> tuple[Any, ...]:
    """The outputs as the feed takes them; it refuses what it does not know."""
    trees, warnings = read(text)
    assert not warnings
    return settings.parse(json.dumps({"outputs": trees}).encode(), "falco.yaml").outputs


def test_every_output_is_one_of_the_feed_s() -> None:
    """With all that can be said of it."""
    printed, local, written, run, posted = opened(EVERY)
    assert isinstance(printed, stdout.Settings)
    assert isinstance(local, syslog.Settings)
    assert isinstance(written, file.Settings)
    assert isinstance(run, program.Settings)
    assert isinstance(posted, http.Settings)
    for each in (printed, local, written, run, posted):
        assert each.format == "json"
        assert (each.line.output, each.line.message, each.line.output_fields, each.line.tags) == (False, True) + (
            False,
        ) * 2
        assert each.line.iso_8601
        assert each.start == "newest"
    assert (local.address, local.facility) == ("/dev/log", outputs.USER)
    assert (written.path, written.keep_alive) == ("/var/log/falco", True)
    assert (run.shell, run.keep_alive) == ("jq . | cat", True)
    assert posted.url == "https://sidekick:2801/?a=b"
    endpoint = posted.endpoint
    assert endpoint.headers == {"User-Agent": "mine"}
    assert (endpoint.insecure, endpoint.gzip, endpoint.ca_file) == (True, True, "/ca.pem")
    assert (endpoint.client_cert_file, endpoint.client_key_file) == ("/client.crt", "/client.key")


def test_without_more_they_are_falco_s_defaults() -> None:
    """Text; files opened for each alert; Falco's name as the user agent."""
    written, posted = opened(
        "file_output: {enabled: true, filename: f}\nhttp_output: {enabled: true, url: http://x}\nstdout_output: {}"
    )
    assert (written.format, written.keep_alive, written.line.iso_8601) == ("text", False, False)
    assert posted.endpoint.headers == {"User-Agent": "falcosecurity/falco"}
    assert not posted.endpoint.insecure


def test_the_authorities_are_those_of_the_first_key_that_names_some() -> None:
    """A certificate, a bundle, a folder."""
    text = "http_output: {{enabled: true, url: https://x, {}}}"
    for keys, expected in (
        ("ca_cert: /c, ca_bundle: /b, ca_path: /p", ("/c", "")),
        ("ca_bundle: /b, ca_path: /p", ("/b", "")),
        ("ca_path: /p", ("", "/p")),
        ("insecure: false", ("", "")),
    ):
        (posted,) = opened(text.format(keys))
        assert (posted.endpoint.ca_file, posted.endpoint.ca_path) == expected


def test_what_has_no_counterpart_is_warned_of() -> None:
    """By its key, where the output is switched on."""
    text = "{{enabled: {}, url: http://x, echo: true, max_consecutive_timeouts: 9, colour: red}}"
    assert [each.message.partition(" is")[0] for each in read("http_output: " + text.format("true"))[1]] == [
        "http_output.echo",
        "http_output.max_consecutive_timeouts",
        "http_output.colour",
    ]
    assert read("http_output: " + text.format("false")) == ((), [])


WRONG = (
    ("file_output: {enabled: true}", "file_output.filename: the output is enabled: give the path"),
    ("program_output: {enabled: true}", "program_output.program: the output is enabled: give the command"),
    ("http_output: {enabled: true}", "http_output.url: the output is enabled: give the receiver's address"),
    ("http_output: {enabled: true, url: 'ftp://x'}", "http_output.url: 'ftp://x': an http:// or https:// address"),
    ("http_output: {enabled: true, url: 'http://x:99999'}", "an http:// or https:// address"),
    ("http_output: {enabled: true, url: 'http://[x'}", "an http:// or https:// address"),
    ("http_output: {enabled: true, url: 'http://a:b@x'}", "it holds a password"),
    ("http_output: {enabled: true, url: 'https://x', mtls: true}", "give client_cert and client_key"),
    ("stdout_output: x", "stdout_output: expected a mapping"),
    ("stdout_output: {enabled: x}", "stdout_output.enabled: 'x': expected true or false"),
)


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[text for text, _ in WRONG])
def test_an_output_that_lacks_something_is_refused(text: str, reason: str) -> None:
    """With the key and what to do; a password is in no message."""
    with pytest.raises(FalcoYamlError, match=r"^falco\.yaml:1:") as caught:
        read(text)
    assert reason in str(caught.value)
    assert "a:b" not in str(caught.value)
