"""`podseal-certs run`: keeps the Secret and the caBundles of a cluster right. The Deployment's command."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from certs import errors, layout, model, reconcile, run
from certs.commands import options, sources

if TYPE_CHECKING:
    from certs.cluster import lease as leases

_LEASE_INTERVALS = 3
"""Passes that may fail before another replica takes over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Manner:
    """How the loop goes.

    Args:
        service: whose DNS names are served.
        lease: name of the Lease, empty for none.
        interval: from one pass to the next.
        once: one pass, then end.
        publish_only: the Secret is somebody else's.
        paths: name of the Secret with the webhooks' random path, empty for none.
    """

    service: str | None
    lease: str | None
    interval: dt.timedelta
    once: bool
    publish_only: bool
    paths: str | None


_manner = options.gathered(
    "manner",
    Manner,
    click.option("--service", metavar="NAME", help="Service of the webhook, in --namespace: its DNS names are served."),
    click.option("--lease", metavar="NAME", help="Lease, in --namespace, that lets one of several replicas work."),
    click.option(
        "--interval", type=options.Duration(), default="30s", show_default=True, help="From one pass to the next."
    ),
    click.option("--once", is_flag=True, help="One pass without a Lease, then exit: for a CronJob."),
    click.option("--paths", metavar="NAME", help="Secret, in --namespace, with the random end of the webhooks' paths."),
    click.option("--publish-only", is_flag=True, help="The Secret is cert-manager's: publish its ca.crt, no more."),
)


@click.command(
    epilog="""\b
Examples:
  podseal-certs run --secret podseal-tls --service podseal --webhook-configuration podseal --lease podseal-certs
  podseal-certs run --secret podseal-tls --publish-only --webhook-configuration podseal --once"""
)
@sources.secret
@_manner
@options.names
@options.wishes
def command(source: sources.Source, manner: Manner, names: tuple[str, ...], wishes: model.Wishes) -> None:
    """Make, rotate and publish: the Secret's certificates, and the caBundles that verify them.

    A webhook whose configuration has the annotation podseal.dev/rules gets these rules when it answers, and is
    not called before.

    With --paths it keeps a random path component, renewed with the certificate, and puts it into the configurations
    whose annotation podseal.dev/paths says where.

    Needs these rights and no others, each bound by resourceNames: get and patch on the webhook configurations;
    get, patch and create on the Secrets and the Lease. A missing one is named. A Secret without ca.key
    (cert-manager's) is never written, only published.
    """
    served = (*(_service_names(manner.service, source.namespace) if manner.service else ()), *names)
    if not served and not manner.publish_only:
        raise click.UsageError("nothing to serve: give --service, --dns or --ip, or --publish-only")
    from certs.cluster import probe, register  # noqa: PLC0415 - loads the Kubernetes client

    cluster = source.cluster()
    wishes = dataclasses.replace(wishes, names=served)
    site = source.cluster_site(cluster, wishes, publish_only=manner.publish_only)
    registry = register.Registry(cluster.server, cluster.configurations, probe.ask, _log)
    renew = _paths(site, cluster, source.namespace, manner) if manner.paths else lambda: None

    def settle() -> Sequence[errors.CertsError]:
        # First the paths: a webhook is asked whether it answers where the API server will ask it.
        renew()
        return registry.settle()

    if manner.once:
        run.once(site, _log)
        for waiting in settle():
            raise waiting
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lease = _lease(cluster, source.namespace, manner) if manner.lease else None
    loop = run.Loop(settle, lease, manner.interval, stop.wait, log=_log)
    run.forever(site, loop)


def _service_names(service: str, namespace: str) -> tuple[str, ...]:
    """The names of a Service; the API server dials the first (`<service>.<namespace>.svc`)."""
    return (f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local", f"{service}.{namespace}")


def _paths(site: reconcile.Site, cluster: sources.Cluster, namespace: str, manner: Manner) -> Callable[[], None]:
    """What brings the random component up to date with the certificate that is stored."""
    from certs.cluster import entrances  # noqa: PLC0415 - as above

    secret = entrances.address(namespace, manner.paths or "")
    times = entrances.Times(site.clock, site.wishes.settle)
    kept = entrances.Entrances(cluster.server, secret, cluster.configurations, times, _log)

    def renew() -> None:
        data, _ = site.store.read()
        leaf = layout.decode(data).state.leaf
        if leaf:
            kept.settle(leaf.certificate.fingerprint)

    return renew


def _lease(cluster: sources.Cluster, namespace: str, manner: Manner) -> leases.Lease:
    from certs.cluster import lease  # noqa: PLC0415 - as above

    return lease.Lease(
        cluster.server,
        lease.address(namespace, manner.lease or ""),
        holder=f"{socket.gethostname()}_{os.getpid()}",
        duration=_LEASE_INTERVALS * manner.interval,
        clocks=lease.Clocks(wall=options.clock, monotonic=time.monotonic),
    )


def _log(message: str, **fields: str) -> None:
    """One JSON line; keys and certificates never come here."""
    line = {"time": options.clock().isoformat(timespec="milliseconds"), "message": message} | fields
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
