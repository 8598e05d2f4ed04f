"""What other labels of a namespace would do to the pods that run in it, by owner.

In: the namespace's keys before and after, pods one after another. Out: lines for people. Called by `webhook.preview`.
Pure: each pod is judged twice by `judge`, as for its next creation, with the mutation that comes before it. Pods of one
controller come from one template, so the first of them stands for all, as in Pod Security admission
(k8s.io/pod-security-admission/admission, EvaluatePodsInNamespace).
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, structs

from webhook.policy import guard, model
from webhook.scan import judge, pods

Effect = Literal["denied", "still denied", "repaired", "passes", "none"]
PHRASES: dict[Effect, str] = {
    "denied": "podseal would deny",
    "still denied": "podseal denies already",
    "repaired": "podseal would repair",
    "passes": "podseal would no longer deny",
}
"""In the order in which they are told."""
MOST_OWNERS = 20


class Outcome(Struct, frozen=True):
    """What becomes of one pod, because of which controls, and the waivers that it needs."""

    effect: Effect = "none"
    controls: frozenset[str] = frozenset()
    uses: frozenset[model.Waiver] = frozenset()


NOTHING = Outcome()


class _Group(Struct):
    """Pods of one owner with one effect."""

    pods: int = 0
    controls: frozenset[str] = frozenset()


class Changes:
    """Judges the pods of one namespace under both sets of labels."""

    def __init__(self, name: str, before: guard.NamespaceKeys, after: guard.NamespaceKeys, rules: judge.Rules) -> None:
        self._rules = structs.replace(rules, preflight=True)
        self._name = name
        self._before = judge.in_force(name, before, self._rules)
        self._after = judge.in_force(name, after, self._rules)
        self._judged: dict[tuple[str, str], Outcome] = {}
        self._groups: dict[tuple[Effect, pods.Owner], _Group] = {}
        self._used: set[model.Waiver] = set()
        self.pods = 0

    def add(self, pod: pods.Pod) -> None:
        """Judge one more pod, unless one of the same controller has been."""
        outcome = self._outcome(pod)
        self.pods += 1
        self._used |= outcome.uses
        if outcome.effect != "none":
            group = self._groups.setdefault((outcome.effect, pods.owner(pod)), _Group())
            group.pods += 1
            group.controls |= outcome.controls

    def warnings(self, cut: str) -> list[str]:
        """The lines. `cut` says why not every pod was looked at; empty where each was: then unused waivers are told."""
        lines = [*self._after.now.problems, *self._told()]
        if cut:
            return [*lines, f"podseal looked at {self.pods} pods, {cut}; all of them: podseal scan -n {self._name}"]
        if self.pods:
            unused = (each for each in self._after.now.waivers if each not in self._used)
            lines += [f"{each.label} lets no running pod pass" for each in unused]
        return lines

    def _outcome(self, pod: pods.Pod) -> Outcome:
        reference = next((each for each in pod.metadata.owner_references or () if each.controller), None)
        if reference is None or (pod.spec and pod.spec.ephemeral_containers):
            return self._judge(pod)
        key = (reference.kind, reference.name)
        if key not in self._judged:
            self._judged[key] = self._judge(pod)
        return self._judged[key]

    def _judge(self, pod: pods.Pod) -> Outcome:
        after = judge.judge(pod, self._after, self._rules)
        if after.skipped:
            return NOTHING
        before = judge.judge(pod, self._before, self._rules)
        if after.denied:
            return Outcome("still denied" if before.denied else "denied", _denying(after), after.uses)
        if before.denied:
            return Outcome("passes", _denying(before), after.uses)
        if after.mutated and not before.mutated:
            return Outcome("repaired", frozenset(), after.uses)
        return Outcome("none", frozenset(), after.uses)

    def _told(self) -> Iterable[str]:
        order = list(PHRASES)
        groups = sorted(self._groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
        for (effect, owner), group in groups[:MOST_OWNERS]:
            count = f" ({group.pods} pods)" if group.pods > 1 else ""
            reasons = f": {', '.join(sorted(group.controls))}" if group.controls else ""
            yield f"{PHRASES[effect]} {owner.kind} {owner.name}{count}{reasons}"
        if len(groups) > MOST_OWNERS:
            yield f"{len(groups) - MOST_OWNERS} more workloads are concerned; all of them: podseal scan -n {self._name}"


def _denying(judgement: judge.Judgement) -> frozenset[str]:
    return frozenset(each.finding.control for each in judgement.found if each.at_fault and "deny" in each.finding.modes)
