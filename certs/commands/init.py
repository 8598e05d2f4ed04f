"""`podseal-certs init`: an authority and a serving certificate in a folder, kept where they are good already."""

from __future__ import annotations

import dataclasses
import pathlib

import click

from certs import authority, errors, files, layout, model, reconcile, steps
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
@options.wishes
def command(folder: pathlib.Path, names: tuple[str, ...], wishes: model.Wishes) -> None:
    """Make ca.crt, ca.key, tls.crt and tls.key in a folder.

    What is there and good is kept; what has ended, does not match or lacks a name is made anew. Without --dns
    and --ip the names stay as they are, and are localhost, 127.0.0.1 and ::1 at first.
    """
    store = files.Folder(folder)
    data, _ = store.read()
    decoded = layout.decode(data)
    found = decoded.state
    if found.foreign:
        raise errors.CertsError(
            str(folder),
            "tls.crt was made by somebody else (there is no ca.key)",
            "name another --dir, or move these files away",
        )
    wishes = dataclasses.replace(wishes, names=names or (() if found.leaf else _DEFAULT_NAMES))
    site = reconcile.Site(store, reconcile.Nowhere(), wishes, options.clock, authority)
    reasons = {type(step): step.reason for step in reconcile.due(site)}
    made = layout.decode(store.read()[0]).state
    for problem in decoded.problems if data else ():
        click.echo(f"{folder / problem.name}: {problem.cause}")
    _say(folder / layout.TRUST, found.signer, made.signer, reasons.get(steps.Stage, ""))
    _say(folder / layout.CERTIFICATE, found.leaf, made.leaf, reasons.get(steps.Renew, ""))
    if made.successor is not None:
        click.echo(f"{folder / layout.NEXT}: staged, signs from {wishes.settle} after its making")


def _say(path: pathlib.Path, before: model.Pair | None, after: model.Pair | None, reason: str) -> None:
    if after is None:
        return
    certificate = after.certificate
    what = "kept" if before == after else f"made{f' ({reason})' if before and reason else ''}"
    names = f" for {', '.join(certificate.names)}" if certificate.names else ""
    click.echo(f"{path}: {what}, valid{names} until {certificate.not_after:%Y-%m-%d %H:%M}Z")
