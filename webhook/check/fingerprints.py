"""A finding -> a short name that survives edits around it: no line, no column, no index, no file.

In: a `Row`. Out: 16 hex digits. Called by `baseline` and by the SARIF report. Moving a document within or between
files keeps it, and so does reordering containers or volumes; equal findings of equally named objects share one, and
are counted.
"""

import hashlib
import re

from webhook.check import model

INDEX = re.compile(r"\[\d+\]")
DIGITS = 16


def field(row: model.Row) -> str:
    """The path without indexes, as in `spec.containers[].image`."""
    return INDEX.sub("[]", row.path)


def of(row: model.Row) -> str:
    """The fingerprint: control, object, container, field and what was seen there."""
    parts = (row.control, row.kind, row.namespace, row.name, row.container, field(row), row.seen)
    # The separator cannot occur in any part but `seen`, which stands last.
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:DIGITS]
