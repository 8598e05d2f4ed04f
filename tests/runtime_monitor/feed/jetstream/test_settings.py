"""Which settings are taken, and what is said of others."""

import msgspec
import pytest

from runtime_monitor.feed.jetstream import settings
from runtime_monitor.feed.jetstream.settings import Connection, Stream

CONNECTION = {"servers": ["tls://nats.example:4222"]}

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no server": ({"servers": []}, "length >= 1"),
    "no port is fine, no scheme is not": ({"servers": ["nats.example:4222"]}, "tls://HOST:PORT is wanted"),
    "clear text off the loopback": ({"servers": ["nats://nats.example:4222"]}, "clear text; use tls://"),
    "a password, which would stand in logs": ({"servers": ["tls://a:b@nats.example"]}, "use client_cert_file"),
    "another protocol": ({"servers": ["https://nats.example"]}, "tls://HOST:PORT is wanted"),
}


@pytest.mark.parametrize(("tree", "said"), REFUSED.values(), ids=REFUSED)
def test_a_connection_that_is_refused(tree: dict[str, object], said: str) -> None:
    """With the remedy."""
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(tree, Connection)


def test_clear_text_is_for_the_loopback() -> None:
    """For trying it out."""
    assert msgspec.convert({"servers": ["nats://127.0.0.1:4222"]}, Connection).servers == ("nats://127.0.0.1:4222",)


def test_a_window_longer_than_what_is_kept_is_refused() -> None:
    """The servers would refuse it too."""
    with pytest.raises(msgspec.ValidationError, match="duplicate_window_seconds"):
        msgspec.convert({"connection": CONNECTION, "max_age_seconds": 60, "duplicate_window_seconds": 61}, Stream)


@pytest.mark.parametrize("name", ["*", "a.>", "a b", "a..b", "", "podseal-feed", "a\r\nPUB x", "-a"])
def test_a_node_whose_name_is_none(name: str) -> None:
    """No wildcard, no second line, nobody else's inbox."""
    with pytest.raises(ValueError, match="is no name of a node"):
        settings.subject_of("podseal.alerts", name)


def test_a_name_with_dots_is_one() -> None:
    """As clouds name their nodes."""
    assert (
        settings.subject_of("podseal.alerts", "ip-10-0-0-1.ec2.internal") == "podseal.alerts.ip-10-0-0-1.ec2.internal"
    )
