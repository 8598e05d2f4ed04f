"""The laws of mutation, on pods that hypothesis makes up: it repairs, once, only what it says, and never breaks a pod.

jsonpatch is the judge of whether a patch applies, and what it makes of the pod is what is looked at.
"""

import copy
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonpatch
import msgspec
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.property import strategies
from webhook.policy import catalogue, containers, decide, model, mounts, mutation, patch, paths, pod, volumes, workloads

ROOT = Path(__file__).parents[1]
TREE = yaml.safe_load((ROOT / "webhook" / "policy" / "writable_paths_for_tests.yaml").read_text())
CATALOGUE = catalogue.parse(TREE, "tests")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

Tree = dict[str, Any]
mutates: st.SearchStrategy[model.Mutate] = st.sampled_from(("known", "all"))


def decided(tree: Tree, mutate: model.Mutate) -> model.Verdict:
    """The verdict on the pod as JSON brings it."""
    received = msgspec.json.decode(msgspec.json.encode(tree), type=workloads.BarePod)
    policy = model.Policy(enforce=model.Level("strict"), mutate=mutate)
    return decide.decide(model.Subject("Pod", pod=received), policy, CATALOGUE, NOW)


def apply(tree: Tree, verdict: model.Verdict) -> Tree:
    """The pod after the patch, which went through JSON as it does on its way to the API server."""
    assert verdict.subject.pod
    operations = msgspec.json.encode(patch.operations(verdict.mutation.edits, verdict.subject.pod)).decode()
    after: Tree = jsonpatch.apply_patch(copy.deepcopy(tree), operations)
    return after


def every(tree: Tree, *kinds: str) -> list[Tree]:
    """The containers of some kinds, or of all."""
    return [each for kind in kinds or dict(containers.KINDS) for each in tree["spec"].get(kind) or ()]


@given(strategies.pods(), mutates)
def test_after_the_patch_nothing_is_left_to_repair(tree: Tree, mutate: model.Mutate) -> None:
    """What the first decision calls repaired is gone in the second, and the second repairs nothing more."""
    first = decided(tree, mutate)
    second = decided(apply(tree, first), mutate)
    promised = {(each.control, each.container) for each in first.findings if each.fixed}
    event(f"repairs {min(len(promised), 3)}")
    assert not promised & {(each.control, each.container) for each in second.findings}
    assert not [each for each in second.findings if each.fixed]


@given(strategies.pods(), mutates)
def test_the_second_decision_yields_no_patch(tree: Tree, mutate: model.Mutate) -> None:
    """Reinvocation ends after one round."""
    after = apply(tree, decided(tree, mutate))
    assert not decided(after, mutate).mutation.edits


def undone(after: Tree, verdict: model.Verdict) -> Tree:
    """The patched pod without what was announced: seeds, mounts, volumes, roots and the annotation taken out again."""
    tree = copy.deepcopy(after)
    edits = verdict.mutation.edits
    seeds = {edit.name for edit in edits if isinstance(edit, model.AddSeedContainer)}
    spec = tree["spec"]
    if seeds:
        spec["initContainers"] = [each for each in spec["initContainers"] if each["name"] not in seeds]
    for edit in edits:
        if isinstance(edit, model.AddMount):
            spec[edit.container_kind][edit.index]["volumeMounts"].remove({"name": edit.volume, "mountPath": edit.path})
        elif isinstance(edit, model.AddEmptyDir):
            spec["volumes"] = [each for each in spec["volumes"] if each["name"] != edit.name]
        elif isinstance(edit, model.SetReadOnlyRoot):
            assert spec[edit.container_kind][edit.index]["securityContext"].pop("readOnlyRootFilesystem") is True
        elif isinstance(edit, model.Annotate):
            assert tree["metadata"]["annotations"].pop(edit.key) == edit.value
    return tree


def without_nothing(value: object) -> object:
    """The value without null, empty lists and empty objects, which the API treats as absent."""
    if isinstance(value, dict):
        pairs = ((key, without_nothing(each)) for key, each in value.items() if key != mutation.MUTATED)
        return {key: each for key, each in pairs if each not in (None, {}, [])}
    return [without_nothing(each) for each in value] if isinstance(value, list) else value


@given(strategies.pods(), mutates)
def test_the_patched_pod_is_the_original_and_what_was_announced(tree: Tree, mutate: model.Mutate) -> None:
    """Taking the edits out of the patched pod gives the pod received."""
    verdict = decided(tree, mutate)
    assert without_nothing(undone(apply(tree, verdict), verdict)) == without_nothing(tree)


@given(strategies.pods(), mutates)
def test_a_valid_pod_stays_valid(tree: Tree, mutate: model.Mutate) -> None:
    """Unique names that are DNS labels; every mount added has its volume, at a place that no other mount takes."""
    verdict = decided(tree, mutate)
    after = apply(tree, verdict)
    names = [each["name"] for each in after["spec"].get("volumes") or ()]
    assert len(names) == len(set(names))
    container_names = [each["name"] for each in every(after)]
    assert len(container_names) == len(set(container_names))
    for edit in verdict.mutation.edits:
        if isinstance(edit, model.AddEmptyDir | model.AddSeedContainer):
            assert DNS_LABEL.fullmatch(edit.name)
        if isinstance(edit, model.AddEmptyDir):
            assert edit.size_limit
        if isinstance(edit, model.AddMount):
            assert edit.volume in names
            assert edit.container_kind != "ephemeralContainers"
            check_mount(tree, verdict, edit)


def check_mount(tree: Tree, verdict: model.Verdict, edit: model.AddMount) -> None:
    """A mount that was added lies in no other mount, by whatever name, and not on the system's directories."""
    spec = msgspec.convert(tree["spec"], pod.PodSpec)
    container = msgspec.convert(tree["spec"][edit.container_kind][edit.index], pod.Container)
    before = mounts.mounted(container, mounts.read_only_volumes(spec))
    others = {
        paths.canonical(each.path)
        for each in verdict.mutation.edits
        if isinstance(each, model.AddMount)
        and each is not edit
        and (each.container_kind, each.index) == (edit.container_kind, edit.index)
    }
    place = paths.canonical(edit.path)
    assert not (before.keys() | others) & set(paths.upwards(place))
    assert paths.problem(edit.path) == ""


@given(strategies.pods(), mutates)
def test_nobodys_decision_is_overwritten(tree: Tree, mutate: model.Mutate) -> None:
    """An explicit false, a Windows pod, and under known an unknown image that nobody asked for stay as they are."""
    verdict = decided(tree, mutate)
    after = apply(tree, verdict)
    touched = {
        (edit.container_kind, edit.index)
        for edit in verdict.mutation.edits
        if isinstance(edit, model.SetReadOnlyRoot | model.AddMount)
    }
    if ((tree["spec"].get("os") or {}).get("name")) == "windows":
        assert after == tree
    for kind, index in touched:
        before = tree["spec"][kind][index]
        assert (before.get("securityContext") or {}).get("readOnlyRootFilesystem") is not False
        asked = ((tree.get("metadata") or {}).get("annotations") or {}).get("podseal.dev/writable-paths")
        known = CATALOGUE.find(before.get("image") or "") is not None
        assert known or asked or mutate == "all" or kind == "ephemeralContainers"


@given(strategies.seeded_pods(), mutates)
def test_seeding_brings_no_finding_that_its_container_has_not(tree: Tree, mutate: model.Mutate) -> None:
    """The copying container breaks no control that the container it copies for keeps."""
    verdict = decided(tree, mutate)
    after = decided(apply(tree, verdict), mutate)
    for edit in verdict.mutation.edits:
        if isinstance(edit, model.AddSeedContainer):
            event("seeds")
            assert edit.name.startswith(volumes.SEED_PREFIX)
            source = tree["spec"][edit.container_kind][edit.index]["name"]
            broken = {each.control for each in after.findings if each.container == edit.name}
            assert broken <= {each.control for each in verdict.findings if each.container == source}


@given(strategies.pods())
@settings(max_examples=50)
def test_off_changes_and_says_nothing(tree: Tree) -> None:
    """Whatever the pod asks for."""
    assert decided(tree, "off").mutation == model.Mutation()
