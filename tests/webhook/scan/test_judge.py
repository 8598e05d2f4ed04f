"""One pod: the same decision as everywhere, now, later, and before an installation."""

from datetime import UTC, datetime

import msgspec
import pytest

from tests.webhook.scan import pod_objects
from webhook import settings
from webhook.policy import decide, guard, model
from webhook.scan import judge

NOTHING = guard.NamespaceKeys()
UNSET_ROOT = {"securityContext": {"readOnlyRootFilesystem": None}}


def judged(pod: pod_objects.Json, keys: guard.NamespaceKeys = NOTHING, **rules: object) -> judge.Judgement:
    """A judgement under rules that differ so."""
    changed = msgspec.structs.replace(pod_objects.RULES, **rules)
    return judge.judge(pod_objects.pod(**pod), judge.in_force("shop", keys, changed), changed)


def controls(judgement: judge.Judgement, *, at_fault: bool = True) -> set[str]:
    """The controls that found something."""
    return {each.finding.control for each in judgement.found if each.at_fault is at_fault}


def test_findings_are_those_of_decide() -> None:
    """Nothing is added or left out, and nothing counts as repaired."""
    pod = pod_objects.pod(container=UNSET_ROOT)
    subject = model.Subject("Pod", namespace="shop", name="web", pod=pod)
    all_known = {"podseal.dev/mutate": "all"}
    policy = judge.in_force("shop", guard.NamespaceKeys(all_known), pod_objects.RULES)
    verdict = decide.decide(subject, policy.now, pod_objects.POLICIES.catalogue, pod_objects.NOW)
    found = judge.judge(pod, policy, pod_objects.RULES)
    assert tuple(each.finding for each in found.found) == verdict.findings
    assert verdict.remaining != verdict.findings
    assert found.denied


def test_a_clean_pod_has_no_finding() -> None:
    """The minimal pod satisfies every control."""
    assert judged({}) == judge.Judgement()


def test_a_waiver_lets_pass_and_is_told() -> None:
    """The finding is there, but not at fault, and the waiver counts as used."""
    found = judged({"container": pod_objects.PRIVILEGED}, pod_objects.WAIVED)
    assert controls(found, at_fault=False) == {"privileged"}
    assert [each.label for each in found.uses] == ["podseal.dev/exempt.privileged=2027-01-31"]
    assert not found.denied


def test_later_only_what_breaks_is_found() -> None:
    """After the last valid day the control denies; what is at fault already is no news."""
    pod = {"container": pod_objects.PRIVILEGED | {"image": "shop/web:1"}}
    later = judged(pod, pod_objects.WAIVED, as_of=datetime(2027, 2, 1, tzinfo=UTC))
    assert controls(later) == {"privileged"}
    assert {each.waiver and each.waiver.ticket for each in later.found} == {"SEC-1"}


@pytest.mark.parametrize("day", ["2026-11-24", "2027-01-31"])
def test_until_its_last_day_nothing_breaks(day: str) -> None:
    """A waiver holds through its last day, in UTC."""
    as_of = datetime.fromisoformat(f"{day}T23:59:59+00:00")
    assert not judged({"container": pod_objects.PRIVILEGED}, pod_objects.WAIVED, as_of=as_of).found


def test_a_namespace_without_waivers_is_judged_once() -> None:
    """Its policy does not change with time."""
    later = msgspec.structs.replace(pod_objects.RULES, as_of=datetime(2027, 2, 1, tzinfo=UTC))
    assert judge.in_force("shop", NOTHING, later).later is None


def test_before_an_installation_the_webhook_is_thought_to_mutate() -> None:
    """What it would repair is no finding; that it would is counted."""
    keys = guard.NamespaceKeys({"podseal.dev/mutate": "all"})
    found = judged({"container": UNSET_ROOT}, keys, preflight=True)
    assert found.mutated
    assert not found.denied
    assert judged({"container": UNSET_ROOT}, keys).mutated is False


SKIPPED = {
    "finished": ({"status": {"phase": "Succeeded"}}, settings.Exempt()),
    "exempt": ({}, settings.Exempt(namespaces=("shop",))),
    "exempt by runtime class": ({"spec": {"runtimeClassName": "vm"}}, settings.Exempt(runtime_classes=("vm",))),
}


@pytest.mark.parametrize(("pod", "exempt"), SKIPPED.values(), ids=SKIPPED.keys())
def test_what_is_not_judged_says_why(pod: pod_objects.Json, exempt: settings.Exempt) -> None:
    """Finished pods, and those that the settings exempt."""
    policies = msgspec.structs.replace(pod_objects.POLICIES, exempt=exempt)
    found = judged({**pod, "container": pod_objects.PRIVILEGED}, policies=policies)
    assert found.skipped in ("finished", "exempt")
    assert not found.found
