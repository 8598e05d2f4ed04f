"""falco.yaml's `webserver` and `metrics` -> where the sensor's health and metrics are served.

In: the whole file as a Section. Out: a Web, None where it is switched off. Pure. Called by `config`.
"""

import ipaddress

from msgspec import Struct

from runtime_monitor.falco_yaml.section import Section

PORT = 8765
HIGHEST_PORT = 65535
SNAPSHOTS = "there are no snapshots: read GET /metrics at `webserver` (prometheus_metrics_enabled) or --metrics-bind"


class Web(Struct, frozen=True):
    """Falco's web server. `certificate` is a PEM file with the key in it; empty serves plain HTTP."""

    address: str = "0.0.0.0"  # noqa: S104 -- Falco's default, for the kubelet's probes
    port: int = PORT
    healthz: str = "/healthz"
    metrics: bool = False
    certificate: str = ""


def read(root: Section) -> Web | None:
    """Where it listens.

    Raises:
        FalcoYamlError: no address, no port.
    """
    _metrics(root.section("metrics"))
    section = root.section("webserver")
    enabled = section.boolean("enabled")
    address = section.text("listen_address", "0.0.0.0")  # noqa: S104 -- see Web
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise section.error("listen_address", f"{address!r}: expected an IP address") from None
    healthz = section.text("k8s_healthz_endpoint", "/healthz")
    if not healthz.startswith("/"):
        raise section.error("k8s_healthz_endpoint", f"{healthz!r}: expected a path that begins with /")
    section.number("threadiness", 0, 1 << 16)
    found = Web(
        address=address,
        port=section.number("listen_port", PORT, HIGHEST_PORT),
        healthz=healthz,
        metrics=section.boolean("prometheus_metrics_enabled"),
        certificate=section.text("ssl_certificate", "/etc/falco/falco.pem") if section.boolean("ssl_enabled") else "",
    )
    section.has("ssl_certificate")
    section.left({}, "podseal's listener has nothing for it")
    return found if enabled else None


def _metrics(section: Section) -> None:
    """What is counted is counted in any case; only snapshots in alerts or files have no counterpart."""
    if section.boolean("enabled"):
        section.unfollowed("output_rule", ("false",), SNAPSHOTS)
        section.unfollowed("output_file", (), SNAPSHOTS)
