"""One pod -> what is found in it.

In: a pod, what holds in its namespace, the settings, the time. Out: a `Judgement`. Called by `gather`. Pure: every
decision is `decide`'s, made as for a CREATE of the pod as it runs. Its mutation has happened or was not wanted, so that
nothing counts as repaired; only before an installation (`preflight`) the webhook is thought to mutate.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from webhook import settings
from webhook.policy import decide, exceptions, guard, model
from webhook.scan import pods


class Rules(Struct, frozen=True):
    """What holds for a whole scan. Times are aware.

    With `as_of` only that is found which is not found `now`: what breaks once waivers have expired by then.
    """

    policies: settings.Policies
    now: datetime
    as_of: datetime | None = None
    preflight: bool = False


class InForce(Struct, frozen=True):
    """The policy of a namespace: now, and at the later time where one is asked for and something differs."""

    now: model.Policy
    later: model.Policy | None = None


class Found(Struct, frozen=True):
    """A finding, and the waiver that lets it pass now. `at_fault` says whether it is reported as a finding."""

    finding: model.Finding
    waiver: model.Waiver | None = None
    at_fault: bool = True


class Judgement(Struct, frozen=True):
    """What one pod came to. `skipped` is empty where it was judged; `uses` are the waivers that it needs."""

    found: tuple[Found, ...] = ()
    uses: frozenset[model.Waiver] = frozenset()
    mutated: bool = False
    skipped: str = ""

    @property
    def denied(self) -> bool:
        """Whether this pod would not be let in."""
        return any(each.at_fault and "deny" in each.finding.modes for each in self.found)


def in_force(name: str, keys: guard.NamespaceKeys, rules: Rules) -> InForce:
    """What holds in a namespace."""
    defaults = rules.policies.defaults
    now = exceptions.policy_for(name, keys.labels, defaults, rules.now, keys.annotations)
    if rules.as_of is None:
        return InForce(now)
    later = exceptions.policy_for(name, keys.labels, defaults, rules.as_of, keys.annotations)
    return InForce(now, later if later.waivers != now.waivers else None)


def judge(pod: pods.Pod, policy: InForce, rules: Rules) -> Judgement:
    """Judge one pod."""
    subject = model.Subject("Pod", namespace=pod.namespace, name=pod.name, pod=pod)
    if pod.is_finished:
        return Judgement(skipped="finished")
    if rules.policies.exempt.reason(subject):
        return Judgement(skipped="exempt")
    verdict = decide.decide(subject, policy.now, rules.policies.catalogue, rules.now)
    uses = frozenset(each.waiver for each in verdict.waived)
    if rules.as_of is not None:
        return Judgement(tuple(_breaking(verdict, policy, rules, rules.as_of)), uses)
    findings = verdict.remaining if rules.preflight else verdict.findings
    found = (*map(Found, findings), *(Found(each.finding, each.waiver, at_fault=False) for each in verdict.waived))
    return Judgement(found, uses, mutated=rules.preflight and bool(verdict.mutation.edits))


def _breaking(verdict: model.Verdict, policy: InForce, rules: Rules, as_of: datetime) -> Iterator[Found]:
    """What will be found and is not now, with the waiver that lets it pass until then."""
    if policy.later is None:
        return
    known = {_place(each) for each in verdict.findings}
    waivers = {_place(each.finding): each.waiver for each in verdict.waived}
    for finding in decide.decide(verdict.subject, policy.later, rules.policies.catalogue, as_of).findings:
        if _place(finding) not in known:
            yield Found(finding, waivers.get(_place(finding)))


def _place(finding: model.Finding) -> tuple[str, str, str]:
    return finding.control, finding.path, finding.container
