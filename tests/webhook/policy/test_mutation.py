"""What is injected where: a table of pods and what they become, each patched by jsonpatch and decided a second time."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonpatch
import msgspec
import pytest
import yaml

from webhook.policy import catalogue, containers, decide, model, mutation, patch, seeds, workloads

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "mutation.yaml").read_text())
CATALOGUE = catalogue.parse(yaml.safe_load((HERE / "writable_paths_for_tests.yaml").read_text()), "tests")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
REQUEST = model.Subject("Pod")
SPEC = ("containers", "initContainers", "ephemeralContainers", "volumes", "os")

TRAPS = {3, 4, 6, 10, 11, 12, 17, 21, 22, 23, 24, 25, 26}
"""The known traps of admission control that mutation can fall into; the tests below that are not in the table name
theirs in `ELSEWHERE`."""

ELSEWHERE = {
    6: "test_only_new_ephemeral_containers_are_patched",
    10: "test_null_and_absent_parents_are_made",
    11: "test_a_server_that_drops_what_it_does_not_know_sees_no_second_patch",
    12: "test_a_container_that_another_webhook_adds_is_repaired_in_the_next_round",
    17: "test_a_pod_without_a_name_yet_is_patched_like_any_other",
}


def pod_of(case: dict[str, Any]) -> dict[str, Any]:
    """The pod that a case describes."""
    metadata = {"annotations": case["annotations"]} if "annotations" in case else {}
    return {"metadata": metadata, "spec": {part: case[part] for part in SPEC if part in case}}


def verdict_on(tree: dict[str, Any], mutate: model.Mutate, subject: model.Subject = REQUEST) -> model.Verdict:
    """The verdict on a pod as JSON would bring it; the subject says what else the request says."""
    pod = msgspec.json.decode(msgspec.json.encode(tree), type=workloads.BarePod)
    subject = msgspec.structs.replace(subject, pod=pod)
    return decide.decide(subject, model.Policy(mutate=mutate), CATALOGUE, NOW)


def patched(tree: dict[str, Any], verdict: model.Verdict) -> dict[str, Any]:
    """The pod after the verdict's patch, applied by jsonpatch."""
    assert verdict.subject.pod
    operations = patch.operations(verdict.mutation.edits, verdict.subject.pod)
    after: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(tree), msgspec.json.encode(operations).decode())
    return after


def by_name(tree: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pod's containers of all kinds."""
    return {each["name"]: each for kind, _ in containers.KINDS for each in tree["spec"].get(kind) or ()}


def mount_paths(container: dict[str, Any]) -> list[str]:
    """Where a container mounts something."""
    return [mount["mountPath"] for mount in container.get("volumeMounts") or ()]


def summary(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What changed, in the form of a case's `expect`."""
    old, new = by_name(before), by_name(after)
    seen: dict[str, Any] = {}
    for name, container in old.items():
        if new[name] != container:
            added = mount_paths(new[name])[len(mount_paths(container)) :]
            seen[name] = {"root": new[name]["securityContext"]["readOnlyRootFilesystem"]}
            seen[name] |= {"mounts": added} if added else {}
    filled = [each for name, each in new.items() if name not in old]
    if filled:
        seen["seeds"] = [[each["image"], each["command"]] for each in filled]
    volumes = (after["spec"].get("volumes") or ())[len(before["spec"].get("volumes") or ()) :]
    seen["emptyDirs"] = [volume["emptyDir"] for volume in volumes]
    return seen


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_pod_becomes_what_the_table_says_and_stays_it(case: dict[str, Any]) -> None:
    """The first decision changes what the case says and notes what it says; the second changes nothing."""
    mutate = case.get("mutate", "known")
    before = pod_of(case)
    verdict = verdict_on(before, mutate)
    after = patched(before, verdict)
    seen = summary(before, after) | {"notes": list(verdict.mutation.notes)}
    expected = {"notes": []} | case["expect"]
    if "emptyDirs" not in expected:
        del seen["emptyDirs"]
    assert seen == expected
    assert not verdict_on(after, mutate).mutation.edits


def test_every_trap_has_a_test() -> None:
    """The table's cases and the tests below cover each known trap of mutation."""
    assert {case["trap"] for case in CASES.values() if "trap" in case} | set(ELSEWHERE) == TRAPS
    own = Path(__file__).read_text() + (HERE / "test_patch.py").read_text()
    assert all(f"def {test}(" in own for test in ELSEWHERE.values())


def test_only_new_ephemeral_containers_are_patched() -> None:
    """On pods/ephemeralcontainers the new entries get a read-only root; an old one, volumes, annotations stay."""
    old = {
        "spec": {
            "containers": [{"name": "web", "image": "nginx"}],
            "ephemeralContainers": [{"name": "a", "image": "x"}],
        }
    }
    new = copy.deepcopy(old)
    new["spec"]["ephemeralContainers"].append({"name": "b", "image": "nginx"})
    old_pod = msgspec.convert(old, workloads.BarePod)
    request = model.Subject("Pod", operation="UPDATE", subresource="ephemeralcontainers", old_pod=old_pod)
    verdict = verdict_on(new, "known", request)
    assert verdict.mutation.edits == (model.SetReadOnlyRoot("ephemeralContainers", 1),)
    assert patched(new, verdict)["spec"]["ephemeralContainers"][1]["securityContext"] == {
        "readOnlyRootFilesystem": True
    }


def test_a_server_that_drops_what_it_does_not_know_sees_no_second_patch() -> None:
    """emptyDir.mode vanishes on a server without the feature; that alone is no reason to patch again."""
    before = {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "sticky"}]}}
    after = patched(before, verdict_on(before, "known"))
    assert after["spec"]["volumes"][0]["emptyDir"].pop("mode") == 0o1777
    assert not verdict_on(after, "known").mutation.edits


def test_a_container_that_another_webhook_adds_is_repaired_in_the_next_round() -> None:
    """Reinvocation patches what was added since, and what people read keeps what the first round did."""
    before = {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "nested"}]}}
    after = patched(before, verdict_on(before, "known"))
    after["spec"]["containers"].insert(0, {"name": "injected", "image": "quiet"})
    last = patched(after, verdict_on(after, "known"))
    assert last["metadata"]["annotations"] == {
        mutation.MUTATED: "web=readOnlyRootFilesystem,/data;injected=readOnlyRootFilesystem"
    }
    assert last["spec"]["containers"][1] == after["spec"]["containers"][1]
    assert not verdict_on(last, "known").mutation.edits


def test_a_pod_without_a_name_yet_is_patched_like_any_other() -> None:
    """Field generateName leaves the name to the API server and the namespace to the request: neither plays a part."""
    spec = {"containers": [{"name": "web", "image": "nested"}]}
    unnamed = verdict_on({"metadata": {"generateName": "web-"}, "spec": spec}, "known")
    request = model.Subject("Pod", namespace="shop", name="web")
    named = verdict_on({"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}, "known", request)
    assert unnamed.mutation == named.mutation
    assert unnamed.mutation.edits


def test_a_template_announces_what_its_pods_will_get() -> None:
    """The edits of a template are those of its pods, although nobody applies them to it."""
    pod = {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "nested"}]}}
    template = msgspec.convert(pod, workloads.BarePod)
    subject = model.Subject("Deployment", operation="UPDATE", pod=template)
    verdict = decide.decide(subject, model.Policy(), CATALOGUE, NOW)
    assert verdict.mutation == verdict_on(pod, "known").mutation


def test_containers_share_no_volume_unasked() -> None:
    """Two containers that write the same path get a volume each."""
    before = {"metadata": {}, "spec": {"containers": [{"name": name, "image": "nested"} for name in ("a", "b")]}}
    after = patched(before, verdict_on(before, "known"))
    assert len({each["volumeMounts"][0]["name"] for each in after["spec"]["containers"]}) == 2
    assert len(after["spec"]["volumes"]) == 2


def test_a_volume_that_is_ours_already_is_used_and_anothers_is_not() -> None:
    """An equal emptyDir of our name is mounted as it is; a volume of our name with another source is left alone."""
    before: dict[str, Any] = {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "nested"}]}}
    (ours,) = patched(before, verdict_on(before, "known"))["spec"]["volumes"]
    equal = {**before, "spec": {**before["spec"], "volumes": [ours]}}
    assert patched(equal, verdict_on(equal, "known"))["spec"]["volumes"] == [ours]
    secret = {"name": ours["name"], "secret": {"secretName": "s"}}
    taken = {**before, "spec": {**before["spec"], "volumes": [secret]}}
    after = patched(taken, verdict_on(taken, "known"))
    assert after["spec"]["volumes"] == [secret, {**ours, "name": f"{ours['name']}-2"}]
    assert after["spec"]["containers"][0]["volumeMounts"] == [{"name": f"{ours['name']}-2", "mountPath": "/data"}]


def test_seeding_adds_no_finding() -> None:
    """The init container that copies is judged no worse than the container that it copies for."""
    context = {
        "runAsUser": 7,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    context["seccompProfile"] = {"type": "RuntimeDefault"}
    before = {
        "metadata": {"annotations": {"podseal.dev/writable-paths": "app=/srv/app"}},
        "spec": {
            "containers": [{"name": "app", "image": "team/seeded@sha256:" + "0" * 64, "securityContext": context}]
        },
    }
    verdict = verdict_on(before, "known")
    after = patched(before, verdict)
    assert [each.container for each in verdict.findings] == ["app"]
    assert not verdict_on(after, "known").findings
    (seed,) = after["spec"]["initContainers"]
    assert seed["volumeMounts"] == [{"name": after["spec"]["volumes"][0]["name"], "mountPath": seeds.STAGE}]


def test_a_request_multiplied_by_containers_is_bounded() -> None:
    """A star over many containers cannot make a small pod into a large patch."""
    many = [{"name": f"c{number}", "image": "x"} for number in range(300)]
    tree = {"metadata": {"annotations": {"podseal.dev/writable-paths": "*=/tmp"}}, "spec": {"containers": many}}
    mutated = verdict_on(tree, "known").mutation
    assert not mutated.edits
    assert mutated.notes == ("podseal.dev/writable-paths is ignored: asks for 300 volumes, more than 256",)


def test_a_pod_of_absurd_size_is_left_alone() -> None:
    """A review full of containers must not come back as a patch ten times its size."""
    many = [{"name": f"c{number}", "image": "nginx"} for number in range(mutation.MOST_CONTAINERS + 1)]
    mutated = verdict_on({"metadata": {}, "spec": {"containers": many}}, "all").mutation
    assert mutated == model.Mutation(notes=("more than 500 containers: none of them is changed",))
    assert verdict_on({"metadata": {}, "spec": {"containers": many[1:]}}, "all").mutation.edits
