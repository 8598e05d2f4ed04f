"""The feed's configuration."""

import pathlib

import pytest

from runtime_monitor.feed import outputs, settings
from runtime_monitor.feed.filters import Filter, RateLimit
from runtime_monitor.feed.jetstream.settings import Connection, Stream
from runtime_monitor.feed.outputs import http, stdout

EXAMPLE = b"""
spool: /run/spool.db
listen: {address: "127.0.0.1:0", max_streams: 9}
outputs:
  - type: stdout
  - type: http
    name: siem
    url: https://siem.example/in
    filter: {priority: Warning, namespaces: [shop]}
    limit: {per_second: 5}
"""
MISTAKES = {
    "outputs: [{type: nix}]": "none of alertmanager, file, http, kubernetes_event, nats, otlp, program, stdout",
    "outputs: [3]": "type None is none of",
    "outputs: [{type: http}]": "Object missing required field `url` - at `$.outputs[0]`",
    "outputs: [{type: stdout, colour: red}]": "unknown field `colour` - at `$.outputs[0]`",
    "outputs: [{type: stdout, limit: {per_second: 0}}]": "Expected `float` > 0.0 - at `$.outputs[0].limit.per_second`",
    "outputs: [{type: program}]": "give either `command`, a list, or `shell`",
    "outputs: [{type: syslog, address: 'tcp://'}]": "a path, or udp://, tcp://, tls:// with a host",
    "outputs: [{type: stdout}, {type: stdout}]": "two outputs are named 'stdout'",
    "listen: {adress: x}": "unknown field `adress` - at `$.listen`",
    "{stream: {connection: {servers: ['tls://n']}}, outputs: [{type: stdout}]}": "each replica would deliver",
    "nonsense: 1": "unknown field `nonsense`",
    "[1, 2]": "Expected `object`, got `array`",
    "a: [": "while parsing",
    "!!python/object:os.system x": "could not determine a constructor",
}

NO_CONNECTION = Connection(servers=("tls://nowhere",))


def test_an_example() -> None:
    """An output without a name has that of its type."""
    found = settings.parse(EXAMPLE, "feed.yaml")
    assert found.spool == "/run/spool.db"
    assert found.listen
    assert found.listen.max_streams == 9
    assert found.outputs == (
        stdout.Settings(name="stdout"),
        http.Settings(
            name="siem",
            url="https://siem.example/in",
            filter=Filter(priority="Warning", namespaces=("shop",)),
            limit=RateLimit(per_second=5),
        ),
    )


def test_nothing_is_a_configuration() -> None:
    """The page on the loopback, and no output."""
    assert settings.parse(b"", "feed.yaml") == settings.Settings()


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str) -> None:
    """File, reason, place."""
    with pytest.raises(settings.SettingsError) as caught:
        settings.parse(text.encode(), "feed.yaml")
    assert str(caught.value).startswith("feed.yaml: ")
    assert MISTAKES[text] in str(caught.value)


def test_a_file_that_cannot_be_read_names_itself(tmp_path: pathlib.Path) -> None:
    """Nor is a huge one read."""
    with pytest.raises(settings.SettingsError, match=r"feed\.yaml: No such file"):
        settings.read(tmp_path / "feed.yaml")
    (tmp_path / "feed.yaml").write_bytes(b"#" * (settings.MAX_BYTES + 1))
    with pytest.raises(settings.SettingsError, match="this is no configuration file"):
        settings.read(tmp_path / "feed.yaml")


def test_the_readmes_stream_is_a_configuration() -> None:
    """With what it says of the defaults."""
    text = (pathlib.Path(settings.__file__).parent / "README.md").read_text()
    found = settings.parse(text.split("```yaml\n")[2].partition("```")[0].encode(), "README.md")
    assert found.stream == Stream(connection=found.stream.connection if found.stream else NO_CONNECTION)


def test_the_readmes_example_is_a_configuration() -> None:
    """With an output of every kind."""
    text = (pathlib.Path(settings.__file__).parent / "README.md").read_text()
    found = settings.parse(text.partition("```yaml\n")[2].partition("```")[0].encode(), "README.md")
    assert {type(each) for each in found.outputs} == set(outputs.KINDS.values())
