"""A baseline: the findings that a project knows of, so that only new ones fail its build.

In: a report, or the text of a baseline file. Out: the file's text, or the report with what is known set apart and what
the baseline lists in vain named. Called by `webhook.commands.check`, which reads and writes the file.
"""

from collections import Counter

import msgspec
from msgspec import Struct, structs

from webhook.check import fingerprints, model

SCHEMA = 1


class Entry(Struct, frozen=True):
    """One known finding; all but `fingerprint` and `count` are for people. `count` is how often it occurs."""

    fingerprint: str
    control: str
    kind: str
    namespace: str
    name: str
    container: str
    path: str
    count: int = 1


class Baseline(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    schema: int
    findings: tuple[Entry, ...]


def parse(text: bytes) -> Baseline:
    """A baseline from its file.

    Raises:
        ValueError: this is none, or one of a later schema.
    """
    baseline = msgspec.json.decode(text, type=Baseline)
    if baseline.schema != SCHEMA:
        raise ValueError(f"its schema is {baseline.schema}, and this podseal reads {SCHEMA}; write it anew")
    return baseline


def render(report: model.Report) -> bytes:
    """The baseline of everything that a report found, in an order that makes small diffs."""
    counts = Counter(map(fingerprints.of, report.rows))
    rows = {fingerprints.of(row): row for row in report.rows}
    entries = [
        Entry(
            fingerprint,
            row.control,
            row.kind,
            row.namespace,
            row.name,
            row.container,
            fingerprints.field(row),
            counts[fingerprint],
        )
        for fingerprint, row in rows.items()
    ]
    entries.sort(key=lambda entry: (entry.kind, entry.namespace, entry.name, entry.control, entry.fingerprint))
    return msgspec.json.format(msgspec.json.encode(Baseline(SCHEMA, tuple(entries))), indent=2) + b"\n"


def apply(report: model.Report, baseline: Baseline) -> model.Report:
    """Set apart what the baseline knows. Of a finding that occurs more often than listed, the first are known."""
    left = Counter({entry.fingerprint: entry.count for entry in baseline.findings})
    split = tuple(
        structs.replace(file, judged=tuple(_split(judged, left) for judged in file.judged)) for file in report.files
    )
    stale = tuple(_title(entry) for entry in baseline.findings if left[entry.fingerprint] > 0)
    return model.Report(split, stale)


def _split(judged: model.Judged, left: Counter[str]) -> model.Judged:
    new, known = [], []
    for row in judged.rows:
        fingerprint = fingerprints.of(row)
        if left[fingerprint] > 0:
            left[fingerprint] -= 1
            known.append(row)
        else:
            new.append(row)
    return structs.replace(judged, rows=tuple(new), known=tuple(known))


def _title(entry: Entry) -> str:
    identity = "/".join(part for part in (entry.kind, entry.namespace, entry.name) if part)
    container = f", container {entry.container}" if entry.container else ""
    return f"{entry.control} in {identity}{container}"
