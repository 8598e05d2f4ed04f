"""Syslog messages."""

import re

import msgspec
import pytest

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.feed import render, rfc5424
from tests.runtime_monitor import generated

ALERT = msgspec.structs.replace(generated.alert(0), priority=Priority.CRITICAL, output="a shell", hostname="node-1")
MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) (\d+) alert"
    rb' \[podseal@32473((?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*)\] \xef\xbb\xbf([^\n\r\x00]*)'
)
"""The grammar of RFC 5424, section 6, as far as we use it."""


def test_a_message_of_rfc_5424() -> None:
    """Facility 13, severity 2."""
    found = MESSAGE.fullmatch(rfc5424.network(ALERT, "a shell", 13, 99))
    assert found
    assert (found[1], found[2], found[3]) == (b"106", b"2025-11-26T05:10:10.000000Z", b"node-1")
    assert b'priority="Critical"' in found[6]
    assert f'id="{ALERT.id}"'.encode() in found[6]
    assert found[7] == b"a shell"


def test_a_local_message() -> None:
    """As syslog(3) writes them."""
    assert rfc5424.local(ALERT, "Critical a shell", 13, 99) == b"<106>Nov 26 05:10:10 podseal[99]: Critical a shell"


@pytest.mark.parametrize("alert", generated.hostile(), ids=lambda alert: alert.id)
def test_hostile_contents_stay_inside(alert: Alert) -> None:
    """No value ends its parameter, no text begins another message, no host name has blanks."""
    hostile = msgspec.structs.replace(alert, hostname=alert.output)
    assert MESSAGE.fullmatch(rfc5424.network(hostile, render.text(hostile), 13, 1))
    assert b"\n" not in rfc5424.local(hostile, render.text(hostile), 13, 1)
    assert b"\x00" not in rfc5424.local(hostile, render.text(hostile), 13, 1)
