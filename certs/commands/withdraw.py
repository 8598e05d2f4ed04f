"""`podseal-certs withdraw`: ends the registration of webhooks, before what serves them is taken away."""

from __future__ import annotations

import datetime as dt
import time

import click

from certs.commands import options, sources


@click.command(
    epilog="""\b
Examples:
  podseal-certs withdraw --webhook-configuration podseal"""
)
@sources.cluster
@click.option(
    "--settle",
    type=options.Duration(),
    default="2s",
    show_default=True,
    help="How long to wait afterwards: every API server has to see it, and none says so.",
)
def command(cluster: sources.Cluster, settle: dt.timedelta) -> None:
    """Take the rules out of webhook configurations, so that the API server calls their webhooks no more.

    The annotation podseal.dev/rules goes too, so that a `run` which still goes on does not register them again. A
    configuration that does not exist is well. Needs get and patch on the configurations.
    """
    from certs.cluster import probe, register  # noqa: PLC0415 - loads the Kubernetes client

    if not cluster.configurations:
        raise click.UsageError("give --webhook-configuration")
    register.Registry(cluster.server, cluster.configurations, probe.ask, _say).withdraw()
    time.sleep(settle.total_seconds())


def _say(message: str, configuration: str) -> None:
    click.echo(f"{configuration}: {message}")
