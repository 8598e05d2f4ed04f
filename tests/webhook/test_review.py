"""AdmissionReviews: the API server's are understood, what it would never send is refused, answers keep the rules."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook import bad_input, serving
from webhook import review, settings
from webhook.policy import decide, model, workloads

NOW = datetime(2026, 11, 23, tzinfo=UTC)
POLICIES = settings.policies(None)
ALL = model.Policy(mutate="all")


def verdict_of(body: bytes, policy: model.Policy = ALL) -> tuple[review.Review, model.Verdict]:
    """The review in a body and what is decided of it."""
    parsed = review.parse(body)
    assert isinstance(parsed, review.Review)
    return parsed, decide.decide(parsed.subject, policy, POLICIES.catalogue, NOW)


def response_of(answer: bytes) -> dict[str, Any]:
    """The response inside an answer, which has the envelope of v1."""
    decoded = json.loads(answer)
    assert (decoded["apiVersion"], decoded["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response: dict[str, Any] = decoded["response"]
    return response


@pytest.mark.parametrize("path", serving.REVIEWS, ids=lambda path: path.stem)
def test_a_captured_review_is_understood(path: Any) -> None:  # noqa: ANN401 -- pytest hands over a Path
    """The subject says what the review says, and only what may change a pod is decoded."""
    body = path.read_bytes()
    request = json.loads(body)["request"]
    parsed = review.parse(body)
    assert isinstance(parsed, review.Review)
    subject = parsed.subject
    assert parsed.uid == request["uid"]
    assert subject.kind == request["kind"]["kind"]
    assert subject.operation == request["operation"]
    assert subject.namespace == request.get("namespace", "")
    assert subject.user.username == request["userInfo"]["username"]
    assert subject.user.groups == tuple(request["userInfo"]["groups"])
    assert subject.dry_run == request["dryRun"]
    changes = subject.operation in ("CREATE", "UPDATE") and subject.kind in workloads.KINDS
    assert (subject.pod is not None) == (changes and subject.subresource != "status")
    assert (subject.old_pod is not None) == (subject.pod is not None and subject.operation == "UPDATE")


@pytest.mark.parametrize("path", serving.REVIEWS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "policy", [ALL, model.Policy(mutate="known"), model.Policy(mutate="off")], ids=lambda policy: policy.mutate
)
def test_half_a_decision_is_answered_like_the_whole(path: Path, policy: model.Policy) -> None:
    """/mutate answers with the repair alone, /validate of a pod with the judgement alone."""
    parsed, whole = verdict_of(path.read_bytes(), policy)
    repaired = decide.repair(parsed.subject, policy, POLICIES.catalogue)
    assert review.mutated(parsed, repaired) == review.mutated(parsed, whole)
    if parsed.subject.kind == "Pod":
        judged = decide.judge(parsed.subject, policy, NOW)
        assert review.validated(parsed, judged) == review.validated(parsed, whole)
        assert [each.path for each in judged.denied] == [each.path for each in whole.denied]


@pytest.mark.parametrize("path", serving.REVIEWS, ids=lambda path: path.stem)
def test_answers_keep_the_rules_of_v1(path: Any) -> None:  # noqa: ANN401 -- pytest hands over a Path
    """The uid comes back, a patch has its type and only /mutate sends one, denials say why, nothing is null."""
    parsed, verdict = verdict_of(path.read_bytes())
    validated = response_of(review.validated(parsed, verdict))
    mutated = response_of(review.mutated(parsed, verdict))
    for response in (validated, mutated):
        assert response["uid"] == parsed.uid
        assert None not in response.values()
        assert response.get("warnings") != []
        assert response.get("auditAnnotations") != {}
    assert "patch" not in validated
    assert "patchType" not in validated
    assert validated["allowed"] == (not verdict.denied)
    assert ("status" in validated) == bool(verdict.denied)
    assert mutated["allowed"] is True
    assert ("patch" in mutated) == ("patchType" in mutated)
    if "patch" in mutated:
        assert mutated["patchType"] == "JSONPatch"
        assert {each["op"] for each in json.loads(base64.b64decode(mutated["patch"]))} == {"add"}
        assert parsed.subject.kind == "Pod"


def test_a_created_pod_is_denied_in_words_and_patched() -> None:
    """The captured pod has a writable root: /validate says where, and /mutate would repair it."""
    parsed, verdict = verdict_of(bad_input.GOOD)
    status = response_of(review.validated(parsed, verdict))["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert "spec.containers[0].securityContext.readOnlyRootFilesystem" in status["message"]
    patch = json.loads(base64.b64decode(response_of(review.mutated(parsed, verdict))["patch"]))
    assert {
        "op": "add",
        "path": "/spec/containers/0/securityContext/readOnlyRootFilesystem",
        "value": True,
    } in patch or {
        "op": "add",
        "path": "/spec/containers/0/securityContext",
        "value": {"readOnlyRootFilesystem": True},
    } in patch


def test_a_template_is_never_patched() -> None:
    """What would be done to its pods is no change of a Deployment, which its owner's tools would undo."""
    parsed, verdict = verdict_of((serving.DATA / "create-deployments.json").read_bytes())
    assert verdict.mutation.edits
    assert response_of(review.mutated(parsed, verdict)) == {"uid": parsed.uid, "allowed": True}


@pytest.mark.parametrize("name", [name for name, case in bad_input.CASES.items() if case.status != 415])
def test_bad_input_is_refused_with_its_reason(name: str) -> None:
    """Without a uid to answer to it is an HTTP error, with one a denial inside the review."""
    case = bad_input.CASES[name]
    refusal = review.parse(case.body)
    assert isinstance(refusal, review.Refusal)
    assert case.text in refusal.message
    if case.status == 200:
        assert refusal.uid == bad_input.UID
        status = response_of(review.denied(refusal.uid, refusal.status, refusal.message))["status"]
        assert status["code"] in (400, 422)
        assert case.text in status["message"]
    else:
        assert (refusal.status, refusal.uid) == (case.status, "")
        answer = review.error(refusal)
        assert answer.count(b"\n") == 1
        assert json.loads(answer)["code"] == case.status


def test_of_a_repeated_key_the_last_counts() -> None:
    """As the API server reads it: whoever hides a key behind another is judged by what will run."""
    body = bad_input.GOOD.replace(b'"object": {', b'"object": {"spec": {"containers": []}, ', 1)
    parsed = review.parse(body)
    assert isinstance(parsed, review.Review)
    assert parsed.subject.pod
    assert parsed.subject.pod.spec
    assert len(parsed.subject.pod.spec.containers or ()) == 1


def test_a_kind_of_another_group_is_no_workload() -> None:
    """A custom resource may be called Deployment."""
    body = (serving.DATA / "create-deployments.json").read_bytes().replace(b'"apps"', b'"example.org"')
    parsed = review.parse(body)
    assert isinstance(parsed, review.Review)
    assert parsed.subject.pod is None


def test_an_old_object_that_makes_no_sense_excuses_nothing() -> None:
    """Without a pod to compare with, all of the new one is judged."""
    update = json.loads((serving.DATA / "update-pods.json").read_bytes())
    update["request"]["oldObject"]["spec"]["containers"] = "x"
    parsed = review.parse(json.dumps(update).encode())
    assert isinstance(parsed, review.Review)
    assert parsed.subject.pod is not None
    assert parsed.subject.old_pod is None


@given(st.binary(max_size=400))
def test_no_bytes_raise(body: bytes) -> None:
    """Whatever comes in, something comes out."""
    assert isinstance(review.parse(body), review.Refusal)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
POD = "request.object"
PLACES = (
    *("kind", "request.kind", "request.operation", "request.subResource", "request.name", "request.userInfo"),
    *("request.dryRun", POD, f"{POD}.metadata", f"{POD}.metadata.annotations", f"{POD}.spec", f"{POD}.spec.volumes"),
    *(f"{POD}.spec.containers", f"{POD}.spec.containers.0", f"{POD}.spec.containers.0.securityContext"),
    *(f"{POD}.spec.containers.0.volumeMounts", f"{POD}.spec.containers.0.image", f"{POD}.spec.initContainers"),
    f"{POD}.spec.securityContext",
)


@given(st.sampled_from(PLACES), JSON_VALUES)
def test_any_value_anywhere_gets_a_definite_answer(place: str, value: object) -> None:
    """Parsed, decided and answered, or refused: never an exception, and every answer is JSON."""
    parsed = review.parse(bad_input.changed(place, value))
    if isinstance(parsed, review.Refusal):
        assert parsed.message
        return
    verdict = decide.decide(parsed.subject, ALL, POLICIES.catalogue, NOW)
    assert response_of(review.validated(parsed, verdict))["uid"] == parsed.uid
    assert response_of(review.mutated(parsed, verdict))["allowed"] is True
