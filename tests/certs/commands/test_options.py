"""Values of options: names, addresses and durations in one form, wrong ones refused."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from certs.commands import options


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("localhost", "localhost"),
        ("Podseal.Podseal-System.SVC.", "podseal.podseal-system.svc"),
        ("*.example.org", "*.example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a" * 63 + ".svc", "a" * 63 + ".svc"),
    ],
)
def test_dns_names(given: str, name: str) -> None:
    """They are compared with those of a certificate, so they have one form."""
    assert options.DnsName().convert(given, None, None) == name


@pytest.mark.parametrize(
    "given", ["", ".", "a..b", "-a", "a-", "a_b", "a" * 64, "a.*.b", "ü.de", "a\nb", "x." * 127 + "x"]
)
def test_what_is_no_dns_name(given: str) -> None:
    """What no certificate may carry is refused before one is made."""
    with pytest.raises(click.BadParameter, match="is no DNS name"):
        options.DnsName().convert(given, None, None)


@pytest.mark.parametrize(
    ("given", "address"), [("192.0.2.1", "192.0.2.1"), ("0:0::1", "::1"), ("2001:DB8::7", "2001:db8::7")]
)
def test_addresses(given: str, address: str) -> None:
    """They have their shortest form, as in a certificate that is read."""
    assert options.Address().convert(given, None, None) == address


@pytest.mark.parametrize(("given", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("12h", 43200), ("30d", 2592000)])
def test_durations(given: str, seconds: int) -> None:
    """A number and a unit."""
    assert options.Duration().convert(given, None, None) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["", "10", "m", "-1m", "1.5h", "10 m", "1w", "99999999999999d"])
def test_what_is_no_duration(given: str) -> None:
    """Anything else is refused."""
    with pytest.raises(click.BadParameter, match="is no duration"):
        options.Duration().convert(given, None, None)
