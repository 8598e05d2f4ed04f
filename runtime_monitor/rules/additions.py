"""What is put behind rules' outputs: texts and fields of one's own, for all rules or for some (`append_output`).

In: Additions, in their order, and a rule. Out: its output with the texts behind it, and further output_fields. Pure.
Called by `ruleset`. The meaning is Falco's: an entry counts for a rule of its source that has all of its tags and its
name, as far as it says so.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

FIELDS = (
    *("container.id", "container.name", "container.image.repository", "container.image.tag"),
    *("k8s.pod.name", "k8s.ns.name"),
)
"""What Falco's container plugin suggests: fields behind every output that does not have them."""


class Addition(Struct, frozen=True):
    """One entry. `output` is text with %fields; `suggested` puts FIELDS behind the output.

    `fields` become output_fields alone: a name and a text with %fields, or a field and None for its plain value.
    """

    source: str = ""
    tags: frozenset[str] = frozenset()
    rule: str = ""
    output: str = ""
    suggested: bool = False
    fields: tuple[tuple[str, str | None], ...] = ()

    def counts_for(self, name: str, source: str, tags: AbstractSet[str]) -> bool:
        """Whether it is for a rule."""
        return self.source in ("", source) and self.rule in ("", name) and self.tags <= tags


SUGGESTED = Addition(suggested=True)


def extended(output: str, additions: Iterable[Addition], there: AbstractSet[str]) -> str:
    """An output with what the additions put behind it; `there` are the fields that it has already."""
    parts = [output]
    for addition in additions:
        if addition.output:
            parts.append(addition.output)
        if addition.suggested:
            parts.extend(f"{name.replace('.', '_')}=%{name}" for name in FIELDS if name not in there)
    return " ".join(parts)


def fields(additions: Iterable[Addition]) -> tuple[tuple[str, str | None], ...]:
    """The further output_fields; of the same name the last one counts."""
    found: dict[str, str | None] = {}
    for addition in additions:
        found.update(addition.fields)
    return tuple(found.items())


def of_rule(additions: Sequence[Addition], name: str, source: str, tags: Iterable[str]) -> tuple[Addition, ...]:
    """The additions that count for a rule."""
    named = frozenset(tags)
    return tuple(addition for addition in additions if addition.counts_for(name, source, named))
