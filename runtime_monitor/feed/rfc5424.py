"""An alert as a syslog message: RFC 5424 for a network, the older local form for /dev/log.

In: an Alert and the line that it became (`render`). Out: bytes of one message, without framing. Pure. Called by the
output `syslog`.
Falco's priorities are syslog's severities in the same order.
"""

import re
from datetime import UTC, datetime
from typing import Final

from runtime_monitor.alerts import Alert, iso_time
from runtime_monitor.feed import render

ENTERPRISE: Final = 32473
"""The number that RFC 5612 sets aside for those who have none of their own."""
APP: Final = "podseal"
BOM: Final = b"\xef\xbb\xbf"
FIELDS: Final = {
    "id": "podseal.alert_id",
    "namespace": "k8s.ns.name",
    "pod": "k8s.pod.name",
    "container": "container.name",
    "user": "exec.user",
    "session": "exec.session",
}
"""Parameter of the structured data -> output field."""
NOT_GRAPHIC: Final = re.compile("[^\x21-\x7e]")


def network(alert: Alert, said: str, facility: int, process: int) -> bytes:
    """RFC 5424, section 6: header, one element of structured data, BOM and text."""
    header = " ".join(
        (
            f"<{facility * 8 + alert.priority}>1",
            _microseconds(alert.time),
            _name(alert.hostname, 255),
            APP,
            str(process),
            "alert",
        )
    )
    values = {"rule": alert.rule, "priority": alert.priority.label}
    fields = {**alert.output_fields, "podseal.alert_id": alert.id}
    values |= {name: str(fields[key]) for name, key in FIELDS.items() if fields.get(key) is not None}
    data = "".join(f' {name}="{_parameter(value)}"' for name, value in values.items())
    return f"{header} [podseal@{ENTERPRISE}{data}] ".encode() + BOM + said.encode()


def local(alert: Alert, said: str, facility: int, process: int) -> bytes:
    """What syslog(3) sends to /dev/log: rsyslog and journald take the host from the socket."""
    moment = datetime.fromtimestamp(alert.time // 1_000_000_000, UTC)
    stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S}"
    return f"<{facility * 8 + alert.priority}>{stamp} {APP}[{process}]: {said}".encode()


def _microseconds(nanoseconds: int) -> str:
    """Section 6.2.3 allows at most six digits of a second."""
    return f"{iso_time(nanoseconds)[:26]}Z"


def _name(value: str, longest: int) -> str:
    """A header's word: printable ASCII without blanks, `-` for nothing."""
    return NOT_GRAPHIC.sub("_", value)[:longest] or "-"


def _parameter(value: str) -> str:
    """Section 6.3.3: three characters are escaped; controls stand as their own escapes."""
    return re.sub(r'(["\\\]])', r"\\\1", render.printable(value))
