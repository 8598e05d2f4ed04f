"""The values that pass between the stages of `podseal check`: all frozen, all can cross to another process.

In: nothing. Out: what one object, one file and the whole run came to. Read by every module of this package.
"""

from typing import Any

from msgspec import Struct
from yaml import nodes

from webhook.policy import model

Tree = Any
"""What YAML and JSON are built into: dict with text keys, list, str, int, float, bool or None."""


class Problem(Struct, frozen=True):
    """Input that cannot be read, or that the API server would not read as written. Lines count from 1, 0 is none."""

    file: str
    line: int
    reason: str


class Document(Struct, frozen=True):
    """One document of a file, composed but not yet built into values.

    `node` is a node of PyYAML, None in an empty document. Its marks count lines from 0 in what was composed;
    `first_line` makes them lines of the file, from 1. `source` names the template that Helm rendered, where its comment
    says so. `size` is the file's, in bytes.
    """

    node: nodes.Node | None
    file: str
    first_line: int = 1
    source: str = ""
    size: int = 0


class Row(Struct, frozen=True):
    """A finding with its place: exactly the keys of the JSON report."""

    control: str
    mode: model.Mode
    file: str
    line: int
    column: int
    kind: str
    namespace: str
    name: str
    container: str
    path: str
    seen: str
    allowed: str
    message: str
    fix: str


class WaivedRow(Row, frozen=True):
    """A finding that a label of the namespace lets pass; the label ends in its last valid day, or `permanent`."""

    label: str
    reason: str
    ticket: str


class Judged(Struct, frozen=True):
    """One object that holds a pod, and what was found in it.

    `known` are findings that the baseline lists; `fixed` counts those that the webhook's mutation repairs;
    `notes` are one-line texts of the mutation and of the policy; `diff` is the pod before and after, if asked for.
    """

    file: str
    line: int
    source: str
    kind: str
    namespace: str
    name: str
    rows: tuple[Row, ...] = ()
    waived: tuple[WaivedRow, ...] = ()
    known: tuple[Row, ...] = ()
    fixed: int = 0
    notes: tuple[str, ...] = ()
    diff: str = ""

    @property
    def title(self) -> str:
        """The object as people name it, as in `Deployment shop/web`."""
        return f"{self.kind} {'/'.join(part for part in (self.namespace, self.name or '(no name)') if part)}"


class FileResult(Struct, frozen=True):
    """What one file held. `ignored` counts the documents without a pod."""

    file: str
    judged: tuple[Judged, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: int = 0


class Report(Struct, frozen=True):
    """The whole run, in the order of the files. `stale` names what the baseline lists and nothing has any more."""

    files: tuple[FileResult, ...]
    stale: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Every object that holds a pod."""
        return tuple(each for file in self.files for each in file.judged)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every finding that counts."""
        return tuple(row for each in self.judged for row in each.rows)

    @property
    def waived(self) -> tuple[WaivedRow, ...]:
        """Every finding that a waiver lets pass."""
        return tuple(row for each in self.judged for row in each.waived)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that could not be read."""
        return tuple(problem for file in self.files for problem in file.problems)

    def count(self, mode: model.Mode) -> int:
        """How many findings have this mode."""
        return sum(row.mode == mode for row in self.rows)
