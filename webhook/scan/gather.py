"""The pods of one namespace -> its result, by owner.

In: pods, one after another. Out: a `model.Namespace`. Called by `walk`. Equal findings in the pods of one owner are one
row, so that what is kept grows with the workloads, not with their replicas.
"""

from typing import Any

from msgspec import Struct, structs

from webhook.check import model as check_model
from webhook.policy import guard
from webhook.policy import model as policy_model
from webhook.scan import infrastructure, judge, model, pods


class _Seen(Struct):
    """How many pods have a finding, and the first that had it."""

    pod: str
    pods: int = 0


class _Owner(Struct):
    """What has been seen of one owner so far."""

    found: dict[judge.Found, _Seen] = {}
    pods: int = 0
    denied: int = 0
    mutated: int = 0
    role: infrastructure.Role | None = None


class Gatherer:
    """Judges the pods of one namespace and counts."""

    def __init__(self, name: str, keys: guard.NamespaceKeys, rules: judge.Rules) -> None:
        self._name = name
        self._rules = rules
        self._policy = judge.in_force(name, keys, rules)
        self._owners: dict[pods.Owner, _Owner] = {}
        self._uses = dict.fromkeys(self._policy.now.waivers, 0)
        self._skipped = {"finished": 0, "exempt": 0}
        self._kept = 0
        self._cut = 0

    def add(self, pod: pods.Pod) -> None:
        """Judge one more pod."""
        judgement = judge.judge(pod, self._policy, self._rules)
        if judgement.skipped:
            self._skipped[judgement.skipped] += 1
            return
        for waiver in judgement.uses:
            self._uses[waiver] += 1
        name = pods.owner(pod)
        owner = self._owners.setdefault(name, _Owner())
        owner.pods += 1
        owner.denied += judgement.denied
        owner.mutated += judgement.mutated
        if self._rules.preflight and owner.role is None:
            owner.role = infrastructure.role(pod, name)
        for found in judgement.found:
            self._keep(owner, name, found, pod.name)

    def _keep(self, owner: _Owner, name: pods.Owner, found: judge.Found, pod: str) -> None:
        placed = structs.replace(found, finding=structs.replace(found.finding, kind=name.kind, name=name.name))
        seen = owner.found.get(placed)
        if seen is None:
            if self._kept >= model.MOST_ROWS:
                self._cut += 1
                return
            self._kept += 1
            seen = owner.found[placed] = _Seen(pod)
        seen.pods += 1

    def result(self) -> model.Namespace:
        """What all of them came to, owners by kind and name."""
        owners = tuple(self._owner(name, self._owners[name]) for name in sorted(self._owners))
        modes = [row.mode for owner in owners for row in owner.rows]
        counts = model.Counts(
            pods=sum(owner.pods for owner in owners),
            finished=self._skipped["finished"],
            exempt=self._skipped["exempt"],
            owners=len(owners),
            deny=modes.count("deny"),
            warn=modes.count("warn"),
            audit=modes.count("audit"),
            waived=sum(len(owner.waived) for owner in owners),
            cut=self._cut,
        )
        uses = tuple(
            model.Use(self._name, waiver.control, waiver.label, waiver.until, waiver.reason, waiver.ticket, number)
            for waiver, number in self._uses.items()
        )
        return model.Namespace(self._name, owners, uses, self._policy.now.problems, counts)

    def _owner(self, name: pods.Owner, owner: _Owner) -> model.Owner:
        rows: list[check_model.Row] = []
        waived: list[check_model.WaivedRow] = []
        for found, seen in owner.found.items():
            cells, tail = _cells(found.finding, self._name), (seen.pods, seen.pod)
            if found.waiver is None:
                rows.append(model.Row(*(cells + tail)))
                continue
            waiver = found.waiver
            row = model.WaivedRow(*(*cells, waiver.label, waiver.reason, waiver.ticket, *tail))
            if found.at_fault:
                rows.append(row)
            else:
                waived.append(row)
        return model.Owner(
            file=self._name,
            line=0,
            source="",
            kind=name.kind,
            namespace=self._name,
            name=name.name,
            rows=tuple(rows),
            waived=tuple(waived),
            pods=owner.pods,
            denied=owner.denied,
            mutated=owner.mutated,
            role=owner.role,
        )


def _cells(finding: policy_model.Finding, namespace: str) -> tuple[Any, ...]:
    """The columns of `check`'s Row: there is no file, so the owner's place in the cluster stands for it."""
    return (
        finding.control,
        finding.mode,
        f"{namespace}/{finding.kind}/{finding.name}",
        0,
        0,
        finding.kind,
        namespace,
        finding.name,
        finding.container,
        finding.path,
        finding.seen,
        finding.allowed,
        finding.message,
        finding.fix,
    )
