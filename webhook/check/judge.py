"""An object -> what `decide` says of it, with line and column.

In: objects as read, and what holds for the run. Out: a `Judged` each. Called by `run`.
Every decision is the policy core's: this asks it and places its findings in the file.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from webhook.check import model, objects, positions
from webhook.check.namespaces import NO_NAMESPACE, Namespace
from webhook.policy import decide, exceptions, labels
from webhook.policy import model as policy_model
from webhook.policy.catalogue import Catalogue
from webhook.policy.pod import Pod
from webhook.settings import Exempt

AnyRow = TypeVar("AnyRow", bound=model.Row)


class Rules(Struct, frozen=True):
    """What holds for every object of a run.

    `namespace_labels` are given to every namespace, `namespaces` are the Namespace objects of the input, whose own
    labels win; `profile`, if said, wins over both. `now` is aware.
    """

    defaults: policy_model.Defaults
    catalogue: Catalogue
    now: datetime
    exempt: Exempt = Exempt()
    namespace_labels: Mapping[str, str] = {}
    namespaces: Mapping[str, Namespace] = {}
    profile: str = ""
    show_mutated: bool = False

    def policy(self, name: str) -> policy_model.Policy:
        """The policy of a namespace; the empty name stands for objects that say none."""
        namespace = self.namespaces.get(name, NO_NAMESPACE)
        merged = {**self.namespace_labels, **namespace.labels}
        if self.profile:
            merged[f"{labels.PREFIX}enforce"] = self.profile
        return exceptions.policy_for(name, merged, self.defaults, self.now, namespace.annotations)


class Judge:
    """Judges objects; keeps the policy of each namespace that it has met."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._policies: dict[str, policy_model.Policy] = {}

    def judge(self, read: objects.Object) -> model.Judged:
        """One object."""
        subject = read.subject
        policy = self._policies.get(subject.namespace)
        if policy is None:
            policy = self._policies[subject.namespace] = self._rules.policy(subject.namespace)
        exempt = self._rules.exempt.reason(subject)
        if exempt:
            verdict = policy_model.Verdict(subject, problems=(exempt,))
        else:
            verdict = decide.decide(subject, policy, self._rules.catalogue, self._rules.now)
        remaining = verdict.remaining
        return model.Judged(
            file=read.document.file,
            line=read.line,
            source=read.document.source,
            kind=subject.kind,
            namespace=subject.namespace,
            name=subject.name or _generated_name(subject.pod),
            rows=_sorted(model.Row(*_cells(read, finding)) for finding in remaining),
            waived=_sorted(_waived(read, each) for each in verdict.waived),
            fixed=len(verdict.findings) - len(remaining),
            notes=(*verdict.problems, *verdict.mutation.notes),
            diff=self._diff(read, verdict),
        )

    def _diff(self, read: objects.Object, verdict: policy_model.Verdict) -> str:
        if not self._rules.show_mutated or not verdict.mutation.edits or read.subject.pod is None:
            return ""
        from webhook.check import mutated  # noqa: PLC0415 -- brings jsonpatch and difflib

        return mutated.diff(read.pod, read.subject.pod, verdict.mutation.edits)


def _sorted(rows: Iterable[AnyRow]) -> tuple[AnyRow, ...]:
    """In the order of the file, for whoever repairs it from top to bottom."""
    return tuple(sorted(rows, key=lambda row: (row.line, row.column, row.control, row.path)))


def _generated_name(pod: Pod | None) -> str:
    """What to call a pod that leaves its name to the API server."""
    metadata = (pod.metadata or None) if pod else None
    return f"{metadata.generate_name}*" if metadata and metadata.generate_name else ""


def _cells(read: objects.Object, finding: policy_model.Finding) -> tuple[Any, ...]:
    """The columns of a Row, in its order."""
    line, column = positions.locate(read.document, read.node, finding.path)
    return (
        finding.control,
        finding.mode,
        read.document.file,
        line,
        column,
        finding.kind,
        finding.namespace,
        finding.name,
        finding.container,
        finding.path,
        finding.seen,
        finding.allowed,
        finding.message,
        finding.fix,
    )


def _waived(read: objects.Object, waived: policy_model.Waived) -> model.WaivedRow:
    cells = (*_cells(read, waived.finding), waived.waiver.label, waived.waiver.reason, waived.waiver.ticket)
    return model.WaivedRow(*cells)
