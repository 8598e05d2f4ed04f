"""The visitor: every kind of container, in order, with the values in force."""

from typing import Any

import msgspec
import pytest

from webhook.policy import containers, model, pod


def view(spec: dict[str, Any]) -> containers.PodView:
    """The view of a pod of the given spec."""
    return containers.PodView(msgspec.convert({"spec": spec}, pod.Pod), model.Options())


SPEC = {
    "containers": [{"name": "web"}, {"name": "log"}],
    "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
    "ephemeralContainers": [{"name": "debug", "image": "box"}],
}


def test_every_kind_of_container_is_visited() -> None:
    """In the order in which they start, with the path that each has in the pod."""
    assert [(each.name, each.path) for each in view(SPEC).containers] == [
        ("setup", "spec.initContainers[0]"),
        ("proxy", "spec.initContainers[1]"),
        ("web", "spec.containers[0]"),
        ("log", "spec.containers[1]"),
        ("debug", "spec.ephemeralContainers[0]"),
    ]


def test_a_native_sidecar_is_an_init_container_that_restarts() -> None:
    """On another container restartPolicy means something else (KEP-5307)."""
    spec = {**SPEC, "containers": [{"name": "web", "restartPolicy": "Always"}]}
    assert [each.name for each in view(spec).containers if each.is_sidecar] == ["proxy"]


@pytest.mark.parametrize("spec", [{}, {"containers": None}, {"containers": []}, {"initContainers": None}])
def test_a_pod_without_containers_has_none(spec: dict[str, Any]) -> None:
    """Absent, null and empty lists are alike."""
    assert view(spec).containers == []


def test_a_pod_without_a_spec_is_empty() -> None:
    """A template may be `{}`."""
    empty = containers.PodView(pod.Pod(), model.Options())
    assert empty.containers == []
    assert not empty.is_windows
    assert not empty.has_user_namespace


@pytest.mark.parametrize(
    ("of_pod", "own", "uid", "non_root"),
    [
        ({}, {}, None, False),
        ({"runAsUser": 0}, {}, 0, False),
        ({"runAsUser": 0}, {"runAsUser": 7}, 7, False),
        ({"runAsUser": 7}, {"runAsUser": 0}, 0, False),
        ({"runAsUser": 7}, {"runAsUser": None}, 7, False),
        ({"runAsNonRoot": True}, {}, None, True),
        ({"runAsNonRoot": True}, {"runAsNonRoot": False}, None, False),
        ({"runAsNonRoot": True}, {"runAsNonRoot": None}, None, True),
        ({"runAsNonRoot": False}, {"runAsNonRoot": True}, None, True),
        (None, None, None, False),
    ],
)
def test_the_containers_value_wins_where_it_is_not_null(
    of_pod: dict[str, Any] | None, own: dict[str, Any] | None, uid: int | None, *, non_root: bool
) -> None:
    """As k8s.io/kubernetes/pkg/securitycontext merges them."""
    spec = {"securityContext": of_pod, "containers": [{"name": "web", "securityContext": own}]}
    (only,) = view(spec).containers
    assert (only.run_as_user, only.run_as_non_root) == (uid, non_root)


def test_a_violation_names_its_place_container_and_image() -> None:
    """At a field of the container, and at one of the pod that the container inherits."""
    debug = view(SPEC).containers[-1]
    assert debug.violation("securityContext.privileged", "true") == model.Violation(
        "spec.ephemeralContainers[0].securityContext.privileged", "true", "debug", "box"
    )
    assert debug.inherits("spec.securityContext.runAsUser", "0") == model.Violation(
        "spec.securityContext.runAsUser", "0", "debug", "box"
    )


def test_a_pods_value_concerns_its_heirs_else_the_pod() -> None:
    """One violation for each container that inherits it; one for the pod where none does."""
    pod_view = view(SPEC)
    path = "spec.securityContext.runAsUser"
    found = pod_view.inherited(path, "0", pod_view.containers[:2])
    assert [each.container for each in found] == ["setup", "proxy"]
    assert [each.container for each in pod_view.inherited(path, "0", [])] == [""]


def test_a_view_of_fewer_containers_keeps_the_pod() -> None:
    """New ephemeral containers are judged against the pod that they join."""
    pod_view = view({**SPEC, "hostUsers": False, "os": {"name": "windows"}})
    fewer = pod_view.only(pod_view.containers[-1:])
    assert [each.name for each in fewer.containers] == ["debug"]
    assert fewer.is_windows
    assert fewer.has_user_namespace
    assert fewer.options is pod_view.options
