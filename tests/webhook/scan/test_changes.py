"""What other labels would do to running pods: named by owner, each effect in words, bounded."""

import pytest

from tests.webhook.scan import pod_objects
from webhook.policy import guard
from webhook.scan import changes

UNSET_ROOT = {"securityContext": {"readOnlyRootFilesystem": None}}
OFF = {"podseal.dev/enforce": "off"}
EXPIRED = "has expired, so that the control denies again; prolong it or remove the label"
EXEMPT = {"podseal.dev/exempt.privileged": "2027-01-31"}


def lines(before: dict[str, str], after: dict[str, str], *pods: pod_objects.Json, cut: str = "") -> list[str]:
    """What is said about a change of the namespace `shop` with these pods."""
    found = changes.Changes("shop", guard.NamespaceKeys(before), guard.NamespaceKeys(after), pod_objects.RULES)
    for each in pods:
        found.add(pod_objects.pod(**each))
    return found.warnings(cut)


def privileged(name: str = "web-1", **metadata: object) -> pod_objects.Json:
    """A pod that the control `privileged` denies, owned by a ReplicaSet of the Deployment `web`."""
    owner = pod_objects.owned("ReplicaSet", "web-7d", **{"pod-template-hash": "7d"})
    return {"name": name, "container": pod_objects.PRIVILEGED, "metadata": {**owner, **metadata}}


CASES: dict[str, tuple[dict[str, str], dict[str, str], list[pod_objects.Json], list[str]]] = {
    "what is enforced denies running pods, which are named by their owner": (
        OFF, {}, [privileged(), privileged("web-2")],
        ["podseal would deny Deployment web (2 pods): privileged"],
    ),
    "a waiver lets pass what was denied": (
        {}, EXEMPT, [privileged()], ["podseal would no longer deny Deployment web: privileged"],
    ),
    "a waiver that is taken away": (
        EXEMPT, {}, [privileged()], ["podseal would deny Deployment web: privileged"],
    ),
    "what was denied before is told apart": (
        {}, {"podseal.dev/warn": "off"}, [privileged()], ["podseal denies already Deployment web: privileged"],
    ),
    "what the mutation will repair is not denied": (
        {"podseal.dev/enforce": "off", "podseal.dev/mutate": "off"}, {"podseal.dev/mutate": "all"},
        [{"container": UNSET_ROOT}], ["podseal would repair Pod web"],
    ),
    "a waiver that no running pod needs": (
        {}, EXEMPT, [{}], ["podseal.dev/exempt.privileged=2027-01-31 lets no running pod pass"],
    ),
    "of an empty namespace nothing is said": ({}, EXEMPT, [], []),
    "a label that means nothing": (
        {}, {"podseal.dev/exempt.privilegd": "2027-01-31"}, [{}],
        ["podseal.dev/exempt.privilegd: there is no control 'privilegd'; did you mean privileged?"],
    ),
    "a date that has passed": (
        {}, {"podseal.dev/exempt.privileged": "2026-01-31"}, [],
        [f"podseal.dev/exempt.privileged=2026-01-31: {EXPIRED}"],
    ),
    "a finished pod is not judged": (OFF, {}, [{**privileged(), "status": {"phase": "Succeeded"}}], []),
    "what changes nothing is silent": ({}, {"podseal.dev/exec": "deny"}, [{}], []),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "pods", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_said(
    before: dict[str, str], after: dict[str, str], pods: list[pod_objects.Json], expected: list[str]
) -> None:
    """Labels before and after, pods, and the lines."""
    assert lines(before, after, *pods) == expected


def test_the_first_pod_of_a_controller_stands_for_all() -> None:
    """A thousand replicas cost as much as one; one with an ephemeral container differs from its template."""
    clean = [{**privileged(f"web-{number}"), "container": {}} for number in range(50)]
    assert lines(OFF, {}, privileged(), *clean) == ["podseal would deny Deployment web (51 pods): privileged"]
    debugged = {**clean[0], "spec": {"ephemeralContainers": [{"name": "look", **pod_objects.PRIVILEGED}]}}
    (said,) = lines(OFF, {}, clean[1], debugged)
    assert said.startswith("podseal would deny Deployment web: ")


def test_owners_beyond_a_number_are_counted() -> None:
    """Headers have a size; the command for all of them is named."""
    pods = [{**privileged(f"p{number}"), "metadata": {}} for number in range(changes.MOST_OWNERS + 5)]
    said = lines(OFF, {}, *pods)
    assert len(said) == changes.MOST_OWNERS + 1
    assert said[-1] == "5 more workloads are concerned; all of them: podseal scan -n shop"


def test_cut_short_nothing_is_said_about_waivers() -> None:
    """Whether nobody uses one is not known then."""
    said = lines({}, EXEMPT, {}, cut="for it takes at most 1 s")
    assert said == ["podseal looked at 1 pods, for it takes at most 1 s; all of them: podseal scan -n shop"]
