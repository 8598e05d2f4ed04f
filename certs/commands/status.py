"""`podseal-certs status`: what is there, when it ends, and whether it fits together."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

import click

from certs import errors, model, report
from certs.commands import sources


@click.command(
    epilog="""\b
Examples:
  podseal-certs status --dir .dev/certs
  podseal-certs status --secret podseal-tls -n podseal-system --webhook-configuration podseal --output json"""
)
@sources.folder_or_secret
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(source: sources.Source, output: str) -> None:
    """Show the certificates, and exit 1 if something is wrong with them.

    Wrong is: missing, expired, not valid yet, a key that does not match, a certificate that ca.crt does not
    verify, a caBundle that lacks an authority.
    """
    site = source.site(model.Wishes())
    bundles, unreadable = site.publication.read()
    if unreadable is not None:
        raise unreadable
    data, _ = site.store.read()
    if not data:
        raise errors.CertsError(str(site.store), "holds no certificates", "make them with podseal-certs init or run")
    found = report.inspect(data, site.clock())
    faults = found.faults + report.unpublished(data, bundles)
    click.echo(_json(found, faults) if output == "json" else _text(str(site.store), found, faults))
    if faults:
        sys.exit(errors.Exit.WRONG)


def _json(found: report.Report, faults: tuple[str, ...]) -> str:
    return json.dumps({"certificates": [_fields(row) for row in found.rows], "faults": faults}, indent=2)


def _fields(row: report.Row) -> dict[str, Any]:
    certificate = row.certificate
    return {
        "item": row.item,
        "role": row.role,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": certificate.names,
        "fingerprint": certificate.fingerprint,
        "notBefore": certificate.not_before.isoformat(),
        "notAfter": certificate.not_after.isoformat(),
        "daysLeft": row.days_left,
        "rotationDue": row.rotation_due.isoformat() if row.rotation_due else None,
        "keyMatches": row.key_matches,
        "chainVerifies": row.chain_verifies,
    }


def _text(place: str, found: report.Report, faults: tuple[str, ...]) -> str:
    """A column for each certificate: distinguished names are too long for a line each."""
    labels = ["", "subject", "issuer", "names", "not after", "days left", "rotation due", "key matches"]
    columns = [[[label] for label in [*labels, "chain verifies"]]] + [_column(row) for row in found.rows]
    lines = [place, ""]
    widths = [max(len(text) for cell in column for text in cell) for column in columns]
    for cells in zip(*columns, strict=True):
        for texts in itertools.zip_longest(*cells, fillvalue=""):
            padded = (_printable(text).ljust(width) for text, width in zip(texts, widths, strict=True))
            lines.append("  ".join(padded).rstrip())
    lines += ["", *(f"wrong: {_printable(fault)}" for fault in faults)] if faults else ["", "all is well"]
    return "\n".join(lines)


def _column(row: report.Row) -> list[list[str]]:
    certificate = row.certificate
    due = f"{row.rotation_due:%Y-%m-%d %H:%M}Z" if row.rotation_due else "-"
    return [
        [f"{row.item} {row.role}"],
        [certificate.subject],
        [certificate.issuer],
        list(certificate.names) or ["-"],
        [f"{certificate.not_after:%Y-%m-%d %H:%M}Z"],
        [f"{row.days_left:.1f}"],
        [due],
        ["-" if row.key_matches is None else _yes(answer=row.key_matches)],
        [_yes(answer=row.chain_verifies)],
    ]


def _yes(*, answer: bool) -> str:
    return "yes" if answer else "NO"


def _printable(text: str) -> str:
    """The text without control characters: a certificate from elsewhere must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
