"""Objects to findings with places; and which policy each is judged by."""

import pytest

from tests.webhook.check import inputs
from webhook.check import namespaces

WITH_NAMESPACE = (
    inputs.POD
    + b"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {podseal.dev/enforce: 'off', "
    b"podseal.dev/warn: 'off', podseal.dev/audit: 'off'}\n"
)
OFF = {"podseal.dev/enforce": "off", "podseal.dev/warn": "off", "podseal.dev/audit": "off"}


def test_a_finding_has_its_line_and_column() -> None:
    """The field where it stands, its nearest parent where it does not."""
    report = inputs.check(inputs.POD, namespace_labels={"podseal.dev/warn": "off", "podseal.dev/audit": "off"})
    assert inputs.places(report) == ["10:7 deny writable-root-filesystem web", "11:9 deny privileged web"]
    (judged,) = report.judged
    assert (judged.title, judged.line) == ("Pod shop/web", 1)
    assert report.rows[1].message.startswith("Pod/shop/web, container web: spec.containers[0].securityContext")


def test_a_template_keeps_the_mode_of_its_pods() -> None:
    """A Deployment whose pods would be denied fails, though the webhook only warns of it."""
    deployment = (
        b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"
        b"      containers: [{name: web, securityContext: {privileged: true}}]\n"
    )
    rows = [row for row in inputs.check(deployment).rows if row.control == "privileged"]
    assert [(row.mode, row.path, row.line) for row in rows] == [
        ("deny", "spec.template.spec.containers[0].securityContext.privileged", 7)
    ]


@pytest.mark.parametrize(
    ("changes", "modes"),
    [
        ({}, {"deny", "warn"}),
        ({"namespace_labels": OFF}, set()),
        ({"namespace_labels": OFF, "profile": "baseline"}, {"deny"}),
        ({"namespaces": {"shop": namespaces.Namespace(OFF)}}, set()),
        ({"namespace_labels": OFF | {"podseal.dev/audit": "strict"}}, {"audit"}),
    ],
    ids=["the defaults", "labels of the command line", "profile above labels", "a Namespace object", "audit alone"],
)
def test_the_policy_is_that_of_the_namespace(changes: dict[str, object], modes: set[str]) -> None:
    """What the labels say, through the policy core."""
    data = WITH_NAMESPACE if "namespaces" in changes else inputs.POD
    report = inputs.check(data, **changes)
    assert {row.mode for row in report.rows} == modes


def test_a_waiver_sets_a_finding_apart_and_says_why() -> None:
    """By the label of a Namespace object, with its reason."""
    data = inputs.POD + (
        b"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
        b"  labels: {podseal.dev/exempt.privileged: '2026-12-31'}\n"
        b"  annotations: {podseal.dev/exempt.privileged.reason: old driver}\n"
    )
    report = inputs.check(data)
    assert [(row.control, row.line, row.label, row.reason) for row in report.waived] == [
        ("privileged", 11, "podseal.dev/exempt.privileged=2026-12-31", "old driver")
    ]
    assert "privileged" not in {row.control for row in report.rows}


def test_a_label_that_means_nothing_is_noted() -> None:
    """With the object that it concerns."""
    (judged,) = inputs.check(inputs.POD, namespace_labels={"podseal.dev/enforced": "strict"}).judged
    assert judged.notes == ("podseal.dev/enforced: podseal knows no such label; did you mean podseal.dev/enforce?",)


def test_what_the_webhook_repairs_is_counted_and_not_reported() -> None:
    """Mutation `all` sets readOnlyRootFilesystem."""
    (judged,) = inputs.check(inputs.POD, namespace_labels={"podseal.dev/mutate": "all"}, show_mutated=True).judged
    assert judged.fixed == 1
    assert "writable-root-filesystem" not in {row.control for row in judged.rows}
    assert "+      readOnlyRootFilesystem: true" in judged.diff


def test_a_pod_without_name_is_called_by_its_prefix() -> None:
    """The API server makes up the rest."""
    (judged,) = inputs.check(b"apiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\n").judged
    assert judged.title == "Pod job-*"
