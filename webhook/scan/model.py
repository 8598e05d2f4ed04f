"""The values that pass between the stages of `podseal scan`: what one namespace came to.

In: nothing. Out: Structs that the reports of `webhook.check` take as well: an owner stands where an object stands. Read
by every module of this package.
"""

from datetime import datetime

from msgspec import Struct

from webhook.check import model
from webhook.scan import infrastructure

MOST_ROWS = 25_000
"""Findings that are kept at once: so many a SARIF run may have, and so much memory a scan takes at most for them.
What is beyond is counted."""


class Row(model.Row, frozen=True):
    """A finding in the pods of one owner. `pods` have it, `pod` is one of them; `path` is the pod's."""

    pods: int
    pod: str


class WaivedRow(model.WaivedRow, frozen=True):
    """The same, with the waiver that lets it pass now."""

    pods: int
    pod: str


class Owner(model.Judged, frozen=True):
    """A workload with running pods. Of these `denied` would not be let in, and `mutated` be changed, if created now.

    `role` is what the cluster itself needs it for; only looked for before an installation.
    """

    pods: int = 0
    denied: int = 0
    mutated: int = 0
    role: infrastructure.Role | None = None


class Use(Struct, frozen=True):
    """A waiver that holds and how many pods it lets pass: a pod counts that would be found at fault without it."""

    namespace: str
    control: str
    label: str
    until: datetime | None
    reason: str
    ticket: str
    pods: int


class Counts(Struct, frozen=True):
    """How much there was: `deny`, `warn`, `audit` and `waived` are findings, each once for its owner.

    `finished` pods were not judged, `exempt` ones neither; `cut` findings are counted but kept nowhere.
    """

    pods: int = 0
    finished: int = 0
    exempt: int = 0
    owners: int = 0
    deny: int = 0
    warn: int = 0
    audit: int = 0
    waived: int = 0
    cut: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Namespace(Struct, frozen=True):
    """Everything about one namespace. `problems` are what its labels say in vain."""

    name: str
    owners: tuple[Owner, ...] = ()
    uses: tuple[Use, ...] = ()
    problems: tuple[str, ...] = ()
    counts: Counts = Counts()


class Scan(Struct, frozen=True):
    """The whole of it, namespaces in order of name; owners of whom nothing is to be told are left out."""

    namespaces: tuple[Namespace, ...]
    counts: Counts

    @property
    def owners(self) -> tuple[Owner, ...]:
        """Every owner."""
        return tuple(owner for namespace in self.namespaces for owner in namespace.owners)

    @property
    def rows(self) -> tuple[model.Row, ...]:
        """Every finding that is kept."""
        return tuple(row for owner in self.owners for row in owner.rows)

    @property
    def waived(self) -> tuple[model.WaivedRow, ...]:
        """Every finding that a waiver lets pass."""
        return tuple(row for owner in self.owners for row in owner.waived)

    @property
    def report(self) -> model.Report:
        """The same as `check` has it: a namespace stands where a file stands."""
        return model.Report(tuple(model.FileResult(each.name, each.owners) for each in self.namespaces))
