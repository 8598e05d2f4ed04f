"""Alerts in Falco's form."""

from runtime_monitor.alerts import Alert, Priority, decode, encode, iso_time

ALERT = Alert(
    id="n1/0a0b0c0d/1/9/01234567",
    time=1_764_133_810_000_000_001,
    rule="Shell",
    priority=Priority.INFORMATIONAL,
    output="a shell",
    output_fields={"proc.name": "sh", "fd.name": None},
    hostname="n1",
    tags=("shell", "container"),
)


def test_falcos_keys_in_falcos_order() -> None:
    """Eight keys, tags sorted, a missing value stays null, the id among the fields."""
    falco = ALERT.as_falco()
    assert list(falco) == ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"]
    assert falco["tags"] == ["container", "shell"]
    assert falco["priority"] == "Informational"
    assert falco["output_fields"] == {"proc.name": "sh", "fd.name": None, "podseal.alert_id": ALERT.id}


def test_times_have_nine_digits() -> None:
    """Nanoseconds are kept."""
    assert iso_time(ALERT.time) == "2025-11-26T05:10:10.000000001Z"


def test_an_alert_survives_the_spool() -> None:
    """encode, decode."""
    assert decode(encode(ALERT)) == ALERT
