"""One line, whatever an alert holds."""

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.feed import render
from tests.runtime_monitor import generated

ALERT = generated.alert(0)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def test_falcos_text() -> None:
    """Time of day, priority, output."""
    alert = msgspec.structs.replace(ALERT, priority=Priority.CRITICAL, output="a shell")
    assert render.text(alert) == "05:10:10.000000000: Critical a shell"


def test_falcos_prefix_is_not_written_twice() -> None:
    """Rules' alerts have it in their output."""
    alert = msgspec.structs.replace(ALERT, output="05:10:10.000000001: Error a shell")
    assert render.text(alert) == "05:10:10.000000001: Error a shell"


def test_falcos_json() -> None:
    """The eight keys."""
    assert json.loads(render.json_line(ALERT)) == ALERT.as_falco()


SAID = msgspec.structs.replace(ALERT, priority=Priority.CRITICAL, output="05:10:10.000000000: Critical a shell")
LONG = "2025-11-26T05:10:10.000000000Z: Critical a shell"


def test_the_time_may_have_its_date() -> None:
    """Falco's time_format_iso_8601: in the text, and in the text within JSON."""
    line = render.Line(iso_8601=True)
    assert render.text(SAID, line) == LONG
    assert json.loads(render.json_line(SAID, line))["output"] == LONG


def test_keys_may_be_left_out_of_json() -> None:
    """Falco's json_include_...; the message is the output without time and priority; keys stay in their order."""
    line = render.Line(output=False, message=True, output_fields=False, tags=False)
    found = json.loads(render.json_line(SAID, line))
    assert list(found) == ["hostname", "message", "priority", "rule", "source", "time"]
    assert found["message"] == "a shell"
    assert list(json.loads(render.form("json")(SAID))) == list(SAID.as_falco())
    assert render.form("text")(SAID) == SAID.output


def is_harmless(line: str) -> bool:
    """One line for every reader, and nothing that a terminal obeys or that turns the text around."""
    ordinary = all(unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in line)
    return (
        ordinary and len(line.splitlines()) <= 1 and not set(line) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2069")
    )


@given(ANY_TEXT)
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    """Of text and of JSON, which reads back as what it was."""
    alert = Alert(id="i", time=1, rule=text, priority=Priority.DEBUG, output=text, output_fields={text: text})
    line = render.json_line(alert)
    assert is_harmless(render.text(alert))
    assert is_harmless(line)
    assert json.loads(line)["output"] == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("alert", generated.hostile(), ids=lambda alert: alert.id)
def test_hostile_alerts(alert: Alert) -> None:
    """Those that the drills use."""
    assert is_harmless(render.text(alert))
    assert is_harmless(render.json_line(alert))
    assert len(json.loads(render.json_line(alert))) == 8


def test_an_escape_shows_what_it_stands_for() -> None:
    """As a reader of logs would write it."""
    assert render.printable("a\n\x1b[31m\u202eb\ud800é") == "a\\x0a\\x1b[31m\\u202eb\\ud800é"
