"""What is judged, in which modes, what a waiver takes out, and what is left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from webhook.policy import catalogue, decide, model, pod, workloads

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CATALOGUE = catalogue.Catalogue()
SEALED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
DIGEST = "@sha256:" + "a" * 64
Json = dict[str, Any]


def container(name: str, image: str = "web:1", **context: object) -> Json:
    """A container that is clean in strict but for its image's tag, and for what is given."""
    return {"name": name, "image": image + DIGEST, "securityContext": {**SEALED, **context}}


def made_of(*containers: Json, metadata: Json | None = None, **spec: object) -> pod.Pod:
    """A pod of main containers and other fields of its spec."""
    made = {"metadata": metadata or {"name": "web"}, "spec": {"containers": [*containers], **spec}}
    return msgspec.json.decode(msgspec.json.encode(made), type=pod.Pod)


def levels(enforce: model.Profile, warn: model.Profile = "off", audit: model.Profile = "off") -> model.Policy:
    """A policy of three profiles that changes nothing."""
    return model.Policy(enforce=model.Level(enforce), warn=model.Level(warn), audit=model.Level(audit), mutate="off")


def judge(new: pod.Pod | None, policy: model.Policy | None = None, **subject: Any) -> model.Verdict:  # noqa: ANN401 -- any field
    """The verdict on a pod in namespace shop."""
    given = model.Subject(**{"kind": "Pod", "namespace": "shop", "name": "web", "pod": new, **subject})
    return decide.decide(given, policy or levels("strict"), CATALOGUE, NOW)


def seen(verdict: model.Verdict) -> set[tuple[str, str]]:
    """The control and the container of each finding."""
    return {(finding.control, finding.container) for finding in verdict.findings}


PRIVILEGED = made_of(container("web", privileged=True))


def test_a_clean_pod_has_no_findings() -> None:
    """And is judged: nothing was skipped."""
    verdict = judge(made_of(container("web")))
    assert verdict.findings == ()
    assert verdict.skipped == ""


def test_a_finding_says_where_what_and_how() -> None:
    """The message names object, container, path, value, what is allowed and the remedy."""
    (finding,) = judge(PRIVILEGED).findings
    assert finding.message == (
        "Pod/shop/web, container web: spec.containers[0].securityContext.privileged is true. Allowed: false or unset. "
        "Fix: remove privileged; add the single capability that is needed instead"
    )


def test_a_privileged_container_is_refused_though_its_root_is_read_only() -> None:
    """It can remount the root as writable, so that the read-only flag says nothing."""
    assert seen(judge(PRIVILEGED, levels("default"))) == {("privileged", "web")}


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        (("strict", "strict", "strict"), {"run-as-root": ("deny", "warn", "audit")}),
        (("default", "strict", "strict"), {"run-as-root": ("deny", "warn", "audit")}),
        (("strict", "default", "strict"), {"run-as-root": ("deny", "warn", "audit")}),
        (("off", "default", "strict"), {"run-as-root": ("warn", "audit")}),
        (("off", "off", "strict"), {"run-as-root": ("audit",)}),
        (("baseline", "off", "default"), {"run-as-root": ("audit",)}),
        (("baseline", "baseline", "baseline"), {}),
        (("off", "off", "off"), {}),
    ],
)
def test_a_violation_is_found_once_with_all_its_modes(
    profiles: tuple[model.Profile, model.Profile, model.Profile], expected: dict[str, tuple[str, ...]]
) -> None:
    """The strongest mode first, also where two profiles have different rules for the control."""
    verdict = judge(made_of(container("web", runAsUser=0)), levels(*profiles))
    assert {finding.control: finding.modes for finding in verdict.findings} == expected


def test_only_what_is_enforced_denies() -> None:
    """A warning is no denial; a template is never denied, since its pods will be."""
    assert judge(PRIVILEGED, levels("strict", "strict")).denied
    assert not judge(PRIVILEGED, levels("off", "strict")).denied
    template = judge(PRIVILEGED, levels("strict"), kind="Deployment")
    assert template.findings
    assert not template.denied


def test_names_that_occur_twice_make_no_mode_twice() -> None:
    """Two containers of one name inherit one value: the API server refuses that, `check` may meet it."""
    twins = [{"name": "web", "image": "web:1"}, {"name": "web", "image": "web:1"}]
    verdict = judge(made_of(*twins, securityContext={"runAsUser": 0}), levels("default", "strict"))
    inherited = [finding for finding in verdict.findings if finding.path == "spec.securityContext.runAsUser"]
    assert [finding.modes for finding in inherited] == [("deny", "warn")]


@pytest.mark.parametrize("kind", workloads.KINDS)
def test_a_path_starts_at_the_object(kind: str) -> None:
    """`podseal check` turns it into a line of the file."""
    (finding,) = judge(PRIVILEGED, kind=kind).findings
    assert finding.path == workloads.prefix(kind) + "spec.containers[0].securityContext.privileged"


def test_a_pod_without_a_name_is_named_by_its_prefix() -> None:
    """The API server makes the name up after admission, and leaves the namespace out of the object."""
    made = made_of(container("web", privileged=True), metadata={"generateName": "web-7d4b9-"})
    (finding,) = judge(made, name="").findings
    assert (finding.name, finding.namespace) == ("web-7d4b9-*", "shop")


@pytest.mark.parametrize(
    ("reason", "subject"),
    [
        ("operation DELETE", {"operation": "DELETE"}),
        ("operation CONNECT", {"operation": "CONNECT", "subresource": "exec"}),
        ("subresource status", {"operation": "UPDATE", "subresource": "status"}),
        ("subresource resize", {"operation": "UPDATE", "subresource": "resize"}),
        ("subresource binding", {"subresource": "binding"}),
        ("subresource eviction", {"subresource": "eviction"}),
        ("subresource log", {"subresource": "log"}),
        ("subresource scale", {"operation": "UPDATE", "subresource": "scale", "kind": "Deployment"}),
        ("no pod template", {"kind": "ReplicationController", "pod": None}),
    ],
)
def test_what_changes_nothing_that_runs_is_let_pass(reason: str, subject: Json) -> None:
    """And the verdict says why."""
    verdict = judge(PRIVILEGED, **subject)
    assert verdict.findings == ()
    assert verdict.skipped == reason


def test_an_unknown_subresource_is_judged() -> None:
    """A newer API server may have one that changes the spec: not knowing it must not open a way."""
    assert judge(PRIVILEGED, operation="UPDATE", subresource="reincarnation").denied


class TestUpdate:
    """UPDATE of a pod: its spec is immutable but for images, and ephemeral containers are added."""

    def test_without_a_new_image_it_passes(self) -> None:
        """Labels and finalizers of a pod from before this webhook can still be changed."""
        new = made_of(container("web", privileged=True), metadata={"name": "web", "annotations": {"a": "b"}})
        verdict = judge(new, operation="UPDATE", old_pod=PRIVILEGED)
        assert verdict.skipped == "no image changed"

    def test_with_a_new_image_the_whole_pod_is_judged(self) -> None:
        """The other containers and the pod's own fields too, as Pod Security admission does."""
        old = made_of(container("web"), container("log", privileged=True), hostPID=True)
        new = made_of(container("web", "web:2"), container("log", privileged=True), hostPID=True)
        verdict = judge(new, operation="UPDATE", old_pod=old)
        assert seen(verdict) == {("privileged", "log"), ("host-namespaces", "")}

    def test_nothing_is_mutated(self) -> None:
        """The API server would refuse the patch: the field is immutable."""
        old, new = made_of(container("web")), made_of(container("web", "web:2", readOnlyRootFilesystem=None))
        policy = model.Policy(mutate="all")
        verdict = judge(new, policy, operation="UPDATE", old_pod=old)
        assert verdict.mutation == model.Mutation()
        assert verdict.denied

    def test_an_old_ephemeral_container_blocks_nothing(self) -> None:
        """It cannot be removed any more."""
        debug = [container("debug", privileged=True)]
        old = made_of(container("web"), ephemeralContainers=debug)
        new = made_of(container("web", "web:2"), ephemeralContainers=debug)
        assert judge(new, operation="UPDATE", old_pod=old).findings == ()

    def test_a_waiver_covers_a_new_ephemeral_container(self) -> None:
        """It speaks of the control, whatever kind of container it is (kyverno/kyverno#9484)."""
        new = made_of(container("web"), ephemeralContainers=[container("debug", privileged=True)])
        waiver = model.Waiver("privileged", "podseal.dev/exempt.privileged=2026-11-30", NOW + timedelta(days=7))
        policy = msgspec.structs.replace(levels("strict"), waivers=(waiver,))
        verdict = judge(
            new, policy, operation="UPDATE", subresource="ephemeralcontainers", old_pod=made_of(container("web"))
        )
        assert {each.finding.container for each in verdict.waived} == {"debug"}
        assert ("privileged", "debug") not in seen(verdict)

    def test_a_new_ephemeral_container_is_judged_by_any_way(self) -> None:
        """The API server takes it through its subresource alone; should it come otherwise it is not overlooked."""
        new = made_of(container("web"), ephemeralContainers=[container("debug", privileged=True)])
        assert seen(judge(new, operation="UPDATE", old_pod=made_of(container("web")))) == {("privileged", "debug")}

    def test_without_the_old_pod_everything_is_judged(self) -> None:
        """Nothing shows what was there."""
        assert judge(PRIVILEGED, operation="UPDATE").denied

    def test_a_template_is_judged_whole(self) -> None:
        """Whatever changed: its next pods will be judged whole too."""
        verdict = judge(PRIVILEGED, kind="Deployment", operation="UPDATE", old_pod=PRIVILEGED)
        assert seen(verdict) == {("privileged", "web")}


class TestEphemeralContainers:
    """UPDATE of pods/ephemeralcontainers, which is how `kubectl debug` comes."""

    OLD = made_of(
        container("web", privileged=True),
        hostNetwork=True,
        securityContext={"runAsUser": 0},
        ephemeralContainers=[container("first", privileged=True)],
    )

    def added(self, *debuggers: Json, **policy: Any) -> model.Verdict:  # noqa: ANN401 -- any field
        """The verdict on more ephemeral containers beside the privileged first one."""
        first = container("first", privileged=True)
        new = made_of(
            container("web", privileged=True),
            hostNetwork=True,
            securityContext={"runAsUser": 0},
            ephemeralContainers=[first, *debuggers],
        )
        given = {"operation": "UPDATE", "subresource": "ephemeralcontainers", "old_pod": self.OLD}
        return judge(new, model.Policy(**{"enforce": model.Level("strict"), **policy}), **given)

    def test_only_the_new_one_is_judged(self) -> None:
        """Not the pod's own fields, nor the containers that are there already."""
        assert seen(self.added(container("debug"))) == set()
        assert seen(self.added(container("debug", privileged=True))) == {("privileged", "debug")}

    def test_what_it_inherits_is_judged(self) -> None:
        """The pod's uid 0 concerns a container that says none itself."""
        verdict = self.added(container("debug", runAsUser=None))
        assert [(each.control, each.container, each.path) for each in verdict.findings] == [
            ("run-as-root", "debug", "spec.securityContext.runAsUser")
        ]

    def test_without_a_new_one_nothing_is_judged(self) -> None:
        """The request repeats what is there."""
        assert self.added().skipped == "no new ephemeral container"

    def test_a_copy_of_an_old_name_with_other_contents_is_new(self) -> None:
        """The API server refuses it, but perhaps only after the webhook has been asked."""
        verdict = self.added(container("first", privileged=True, runAsUser=0))
        assert ("privileged", "first") in seen(verdict)

    def test_one_without_a_name_is_judged(self) -> None:
        """Its findings carry no container, and are not taken for the pod's."""
        verdict = self.added(container("", privileged=True))
        assert [finding.path for finding in verdict.findings] == [
            "spec.ephemeralContainers[1].securityContext.privileged"
        ]

    def test_the_new_one_alone_is_mutated(self) -> None:
        """Null becomes true there; volumes and other containers cannot be changed."""
        verdict = self.added(container("debug", readOnlyRootFilesystem=None), mutate="all")
        assert verdict.mutation.edits == (model.SetReadOnlyRoot("ephemeralContainers", 1),)
        assert [(finding.control, finding.fixed) for finding in verdict.findings] == [
            ("writable-root-filesystem", True)
        ]


@pytest.mark.parametrize("user", ["system:node:a", "mallory"])
def test_a_mirror_pod_is_judged_as_it_is(user: str) -> None:
    """The static pod behind it runs as its file says; who forges the annotation gains nothing by it."""
    annotations = {"kubernetes.io/config.mirror": "1"}
    mirror = made_of(container("web", readOnlyRootFilesystem=None), metadata={"annotations": annotations})
    verdict = judge(mirror, model.Policy(mutate="all"), user=model.User(user))
    assert verdict.mutation == model.Mutation()
    assert [finding.control for finding in verdict.denied] == ["writable-root-filesystem"]


def test_what_the_author_of_a_pod_writes_exempts_nothing() -> None:
    """Neither annotations in our name nor an owner that usually is privileged."""
    made = made_of(
        container("web", privileged=True),
        metadata={
            "name": "web",
            "labels": {"podseal.dev/exempt.privileged": "2099-01-01"},
            "annotations": {"podseal.dev/exempt.privileged": "permanent", "podseal.dev/enforce": "off"},
            "ownerReferences": [{"kind": "DaemonSet", "name": "agent", "controller": True}],
        },
    )
    assert judge(made).denied


def test_a_waiver_takes_one_control_out_in_every_mode() -> None:
    """Until its end, and what it let pass is told."""
    made = made_of(container("web", privileged=True), hostPID=True)
    waiver = model.Waiver("privileged", "podseal.dev/exempt.privileged=2026-11-30", NOW + timedelta(days=7))
    policy = model.Policy(waivers=(waiver,))
    verdict = judge(made, policy)
    assert seen(verdict) == {("host-namespaces", "")}
    assert [(waived.finding.control, waived.waiver) for waived in verdict.waived] == [("privileged", waiver)]
    over = decide.decide(verdict.subject, policy, CATALOGUE, NOW + timedelta(days=7))
    assert seen(over) == {("privileged", "web"), ("host-namespaces", "")}
    assert over.waived == ()


def test_a_template_hears_only_of_what_its_pods_will_lack() -> None:
    """A finding that the mutation of its pods repairs is marked, and does not remain."""
    made = made_of(container("web", readOnlyRootFilesystem=None, privileged=True))
    verdict = judge(made, model.Policy(mutate="all"), kind="Deployment", operation="UPDATE", old_pod=made)
    assert {(each.control, each.fixed) for each in verdict.findings} == {
        ("privileged", False),
        ("writable-root-filesystem", True),
    }
    assert [each.control for each in verdict.remaining] == ["privileged"]


def test_the_policys_problems_are_passed_on() -> None:
    """Whoever deploys hears of a label that could not be followed, skipped or not."""
    policy = model.Policy(problems=("a label",))
    assert judge(PRIVILEGED, policy).problems == ("a label",)
    assert judge(PRIVILEGED, policy, operation="DELETE").problems == ("a label",)
