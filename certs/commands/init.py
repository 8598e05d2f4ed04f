"""`podseal-certs init`: an authority and a serving certificate in a folder, kept where they are good already."""

from __future__ import annotations

import datetime as dt
import pathlib

import click

from certs import authority, errors, files, layout, model, reconcile, rotation
from certs.commands import options

_DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")


@click.command(
    epilog="""\b
Examples:
  podseal-certs init --dir .dev/certs
  podseal-certs init --dir tls --dns podseal.podseal-system.svc --ip 10.0.0.7 --days-leaf 30"""
)
@click.option("--dir", "folder", type=options.type_of_folder, required=True, help="Folder for the files.")
@options.names
@options.lives
def command(
    folder: pathlib.Path, dns: tuple[str, ...], addresses: tuple[str, ...], days_ca: float, days_leaf: float
) -> None:
    """Make ca.crt, ca.key, tls.crt and tls.key in a folder.

    What is there and good is kept; what has ended, does not match or lacks a name is made anew. Without --dns
    and --ip the names stay as they are, and are localhost, 127.0.0.1 and ::1 at first.
    """
    store = files.Folder(folder)
    data, _ = store.read()
    found = layout.decode(data).state
    if found.foreign:
        raise errors.CertsError(
            str(folder),
            "tls.crt was made by somebody else (there is no ca.key)",
            "name another --dir, or move these files away",
        )
    served = dns + addresses or (() if found.leaf else _DEFAULT_NAMES)
    wishes = options.wishes(served, days_ca, days_leaf)
    steps = reconcile.run(store, reconcile.Nowhere(), wishes, _now, authority)
    _say(store, steps)


def _say(store: files.Folder, steps: tuple[rotation.Step, ...]) -> None:
    data, _ = store.read()
    state = layout.decode(data).state
    if not steps:
        click.echo(f"{store}: kept, nothing is due ({_leaf(state)})")
        return
    for step in steps:
        click.echo(f"{store}: {describe(step)}")
    click.echo(f"{store}: {_leaf(state)}")


def describe(step: rotation.Step) -> str:
    """A step as a line for people."""
    done = {
        rotation.Stage: "made an authority",
        rotation.Renew: "made a serving certificate",
        rotation.Publish: "published the authorities",
        rotation.MarkPublished: "noted the publication",
        rotation.Promote: "changed to the new authority",
        rotation.Retire: "dropped a retired authority",
    }[type(step)]
    return f"{done}: {step.reason}"


def _leaf(state: model.State) -> str:
    if state.leaf is None:
        return "no serving certificate"
    leaf = state.leaf.certificate
    return f"tls.crt for {', '.join(leaf.names)} until {leaf.not_after:%Y-%m-%d %H:%M}Z"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
