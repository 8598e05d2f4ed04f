"""The results of namespaces -> one scan, with a bound on what is kept.

In: `model.Namespace`s as `walk` yields them. Out: a `model.Scan`. Called by `webhook.commands.scan`. Everything is
counted; findings beyond `model.MOST_ROWS` are not kept.
"""

from collections.abc import Iterable

from msgspec import structs

from webhook.scan import model


def collect(found: Iterable[model.Namespace], most: int = model.MOST_ROWS) -> model.Scan:
    """Everything together. `most` bounds the findings, those included that waivers let pass."""
    kept: list[model.Namespace] = []
    counts = model.Counts()
    left = most
    for namespace in found:
        counts = counts.plus(namespace.counts)
        owners = []
        for owner in namespace.owners:
            cut = structs.replace(owner, rows=owner.rows[:left])
            cut = structs.replace(cut, waived=owner.waived[: left - len(cut.rows)])
            left -= _rows(cut)
            counts = counts.plus(model.Counts(cut=_rows(owner) - _rows(cut)))
            if _rows(cut) or owner.mutated or owner.role:
                owners.append(cut)
        kept.append(structs.replace(namespace, owners=tuple(owners)))
    return model.Scan(tuple(sorted(kept, key=lambda each: each.name)), counts)


def _rows(owner: model.Owner) -> int:
    return len(owner.rows) + len(owner.waived)
