"""Verdicts in words: what fits on terminals, in headers and in the audit log, whatever a request holds."""

from hypothesis import given
from hypothesis import strategies as st

from webhook import messages
from webhook.policy import model

SUBJECT = model.Subject("Pod", namespace="shop", name="web")


def finding(control: str, *modes: model.Mode, container: str = "app", seen: str = "true") -> model.Finding:
    """A finding in a container."""
    path = "spec.containers[0].securityContext.privileged"
    return model.Finding(control, modes, "Pod", "shop", "web", container, path, seen, "false", "remove it")


def verdict(*findings: model.Finding, kind: str = "Pod") -> model.Verdict:
    """A verdict on one object."""
    return model.Verdict(model.Subject(kind, namespace="shop", name="web"), findings=findings)


def test_a_denial_names_each_control_once_with_all_its_places() -> None:
    """Who reads it sees what to change, where, and to what."""
    text = messages.denial(
        verdict(
            finding("privileged", "deny"),
            finding("privileged", "deny", container="log"),
            finding("seccomp", "warn"),
            finding("proc-mount", "deny"),
        )
    )
    assert text == (
        "Pod shop/web breaks 2 rules:"
        " [privileged] container app: spec.containers[0].securityContext.privileged is true,"
        " container log: spec.containers[0].securityContext.privileged is true (allowed: false; fix: remove it);"
        " [proc-mount] container app: spec.containers[0].securityContext.privileged is true"
        " (allowed: false; fix: remove it)"
    )


def test_many_places_are_counted() -> None:
    """A pod of a hundred containers does not fill the terminal."""
    text = messages.denial(verdict(*(finding("privileged", "deny", container=f"c{number}") for number in range(100))))
    assert "container c4:" in text
    assert "container c5:" not in text
    assert "95 more" in text


def test_warnings_group_containers_and_spare_who_is_denied() -> None:
    """One warning for each field and value; none beside a denial, which is list enough."""
    advised = [finding("seccomp", "warn", container="a"), finding("seccomp", "warn", container="b")]
    assert messages.about_validation(verdict(*advised)) == ["podseal advises: seccomp: privileged is true (a, b)"]
    assert messages.about_validation(verdict(finding("privileged", "deny", "warn"), *advised)) == []


def test_a_template_is_told_what_its_pods_will_meet() -> None:
    """What the mutation repairs is not mentioned."""
    fixed = model.Finding("x", ("deny",), "Job", "", "j", "c", "p", "s", "a", "f", fixed=True)
    assert messages.about_validation(verdict(finding("privileged", "deny", "warn"), fixed, kind="Job")) == [
        "podseal will refuse its pods: privileged: privileged is true (app)"
    ]


def test_audit_annotations_have_a_key_for_each_consequence() -> None:
    """A finding stands under the strongest of its modes."""
    found = verdict(
        finding("privileged", "deny", "warn", "audit"),
        finding("seccomp", "warn", "audit", container="b"),
        finding("seccomp", "warn", "audit", container="a"),
        finding("image-digest", "audit", container=""),
    )
    assert messages.annotations_of_validation(found) == {
        "validate-denied": "privileged=app",
        "validate-warned": "seccomp=b,a",
        "validate-audited": "image-digest",
    }
    assert list(messages.annotations_of_validation(verdict(finding("privileged", "deny"), kind="Job"))) == [
        "validate-would-deny"
    ]


@given(st.lists(st.text(max_size=300), max_size=120))
def test_warnings_fit_into_headers(texts: list[str]) -> None:
    """Short, plain, each once, and together below what the API server cuts."""
    found = messages.warnings(texts)
    assert all(each.isascii() and each.isprintable() and len(each) <= 120 for each in found if each)
    assert len(set(found)) == len(found)
    assert sum(map(len, found)) < 4096


@given(st.text(max_size=50), st.text(max_size=4000))
def test_a_denial_is_one_printable_line(container: str, seen: str) -> None:
    """Nothing that a request holds moves a cursor or starts a line."""
    text = messages.denial(verdict(finding("privileged", "deny", container=container, seen=seen)))
    assert text.isprintable()
    assert len(text) <= 4000


@given(st.text(max_size=3000))
def test_annotations_are_printable_and_short(name: str) -> None:
    """The audit log is read by people and machines."""
    found = messages.annotations_of_validation(verdict(finding("privileged", "deny", container=name)))
    assert all(value.isprintable() and len(value) <= 1024 for value in found.values())


def test_the_second_round_of_mutation_has_its_own_key() -> None:
    """The API server keeps the first value of a key; what another webhook caused must not be lost."""
    from webhook.policy import pod  # noqa: PLC0415

    edits = (
        model.SetReadOnlyRoot("containers", 0),
        model.Annotate("podseal.dev/mutated", "app=readOnlyRootFilesystem"),
    )
    fresh = pod.Pod(metadata=pod.Metadata(annotations={}))
    again = pod.Pod(metadata=pod.Metadata(annotations={"podseal.dev/mutated": "log=readOnlyRootFilesystem"}))
    for received, key in ((fresh, "mutate"), (again, "mutate-again")):
        found = model.Verdict(model.Subject("Pod", pod=received), mutation=model.Mutation(edits))
        assert messages.annotations_of_mutation(found) == {key: "app=readOnlyRootFilesystem"}
    assert messages.annotations_of_mutation(model.Verdict(SUBJECT)) == {}
