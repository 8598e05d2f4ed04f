"""`podseal serve`: options in, a running webhook out. What it does is in `webhook.serve`.

In: a command line, PODSEAL_SERVE_* variables, a file of kinds Settings and Policy; the first that says something wins.
Out: a process that serves until SIGTERM; exit 2 with one line per mistake where it cannot begin.
"""

from pathlib import Path
from typing import Any

import click
import msgspec

from webhook import config_file, settings

EXIT_UNUSABLE = 2

EPILOG = """\b
Examples:
  podseal-certs init --dir .podseal/certs
  podseal serve --tls-cert-file .podseal/certs/tls.crt --tls-private-key-file .podseal/certs/tls.key
  podseal serve --config podseal.yaml --bind 0.0.0.0:8443

\b
Every option has a variable: --metrics-bind is PODSEAL_SERVE_METRICS_BIND. Option, variable, file, default: the first
that says something wins. SIGTERM stops it; requests in flight are answered. Certificates are reloaded by themselves.
"""

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=EPILOG)
@click.option("--bind", metavar="HOST:PORT", help="Where to serve /validate and /mutate.  [default: 127.0.0.1:8443]")
@click.option("--metrics-bind", metavar="HOST:PORT", help="Probes and metrics, no TLS.  [default: 127.0.0.1:8444]")
@click.option("--tls-cert-file", metavar="FILE", help="The certificate, and those that lead to its authority.")
@click.option("--tls-private-key-file", metavar="FILE", help="Its key.")
@click.option("--client-ca-file", metavar="FILE", help="Serve only clients with a certificate of this authority.")
@click.option("--path-file", metavar="FILE", help="Answer only paths with a random end of this file (podseal-certs).")
@click.option("--config", type=FILE, metavar="FILE", help="podseal.yaml, with kinds Settings and Policy.")
@click.option("--kubeconfig", metavar="FILE", help="The cluster to ask.  [default: the pod's own, if it is in one]")
@click.option("--installed", metavar="DIR", help="What was installed; tell where the cluster's differs.")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes.  [default: 2]")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads of each.  [default: 8]")
@click.pass_context
def command(context: click.Context, /, config: Path | None, **said: Any) -> None:  # noqa: ANN401 -- what the options say
    """Serve the admission webhook over TLS."""
    from webhook import apiserver, logs, serve  # noqa: PLC0415 -- gunicorn: `podseal --help` does not wait for it

    try:
        server = merged(settings.server(config), said)
        logs.configure(server.log_level)
        serve.run(server, config)
    except config_file.ConfigError as error:
        for problem in error.problems:
            click.echo(f"podseal serve: {problem}", err=True)
        context.exit(EXIT_UNUSABLE)
    except (serve.CannotServeError, apiserver.Refused, ValueError) as error:
        click.echo(f"podseal serve: {error}", err=True)
        context.exit(EXIT_UNUSABLE)


def merged(server: settings.Server, said: dict[str, Any]) -> settings.Server:
    """The settings of the file with what options and variables say put over them."""
    given = {name: value for name, value in said.items() if value is not None}
    names = {
        "tls_cert_file": "cert_file",
        "tls_private_key_file": "private_key_file",
        "client_ca_file": "client_ca_file",
    }
    files = {names[name]: given.pop(name) for name in names if name in given}
    changed: settings.Server = msgspec.structs.replace(
        server, tls=msgspec.structs.replace(server.tls, **files), **given
    )
    return changed
