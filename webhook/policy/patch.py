"""Edits -> RFC 6902 operations for the pod as it was received: the only module that knows JSON Patch.

In: the edits of a `Mutation` and the pod. Out: operations, ready for JSON. Called by `webhook.review` and by
`podseal check --show-mutated`. A patch that does not apply rejects the pod even where the webhook's failurePolicy is
Ignore (k8s.io/apiserver, webhook/mutating/dispatcher.go), hence: only `add`, which replaces what is there, null
included; every parent that is absent or null is made by the operation that needs it; and no `test`.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from webhook.policy import containers, model, pod, seeds

Operation = dict[str, Any]
ATTRIBUTES = dict(containers.KINDS)
OfContainer = model.SetReadOnlyRoot | model.AddMount | model.AddSeedContainer
SomeEdit = TypeVar(
    "SomeEdit", model.SetReadOnlyRoot, model.AddMount, model.AddEmptyDir, model.AddSeedContainer, model.Annotate
)


def operations(edits: Iterable[model.Edit], received: pod.Pod) -> list[Operation]:
    """The operations that carry out the edits.

    Seed containers come after everything that is addressed by a container's index, since they shift the init
    containers; otherwise the order of the edits is kept.
    """
    edits = tuple(edits)
    if not edits:
        return []
    spec = received.spec or containers.NO_SPEC
    return [
        *_read_only_roots(_of(model.SetReadOnlyRoot, edits), spec),
        *_mounts(_of(model.AddMount, edits), spec),
        *_appended("/spec/volumes", [_volume(each) for each in _of(model.AddEmptyDir, edits)], spec.volumes),
        *_seed_containers(_of(model.AddSeedContainer, edits), spec),
        *_annotations(_of(model.Annotate, edits), received.metadata or None),
    ]


def pointer(token: str) -> str:
    """A key as a part of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def _of(kind: type[SomeEdit], edits: tuple[model.Edit, ...]) -> list[SomeEdit]:
    return [each for each in edits if isinstance(each, kind)]


def _add(path: str, value: object) -> Operation:
    return {"op": "add", "path": path, "value": value}


def _received(
    edit: model.SetReadOnlyRoot | model.AddMount | model.AddSeedContainer, spec: pod.PodSpec
) -> pod.Container:
    found: list[pod.Container] = getattr(spec, ATTRIBUTES[edit.container_kind])
    return found[edit.index]


def _read_only_roots(edits: Iterable[model.SetReadOnlyRoot], spec: pod.PodSpec) -> Iterable[Operation]:
    for edit in edits:
        path = f"/spec/{edit.container_kind}/{edit.index}/securityContext"
        if _received(edit, spec).security_context:
            yield _add(f"{path}/readOnlyRootFilesystem", value=True)
        else:
            yield _add(path, {"readOnlyRootFilesystem": True})


def _mounts(edits: Iterable[model.AddMount], spec: pod.PodSpec) -> Iterable[Operation]:
    """The mounts of one container make one operation where it has no list yet."""
    found: dict[str, tuple[pod.Container, list[object]]] = {}
    for edit in edits:
        path = f"/spec/{edit.container_kind}/{edit.index}/volumeMounts"
        _, values = found.setdefault(path, (_received(edit, spec), []))
        values.append({"name": edit.volume, "mountPath": edit.path})
    for path, (container, values) in found.items():
        yield from _appended(path, values, container.volume_mounts)


def _appended(path: str, values: list[Any], present: object) -> Iterable[Operation]:
    """Values put at the end of a list, which is made where it is absent or null; an empty list is present."""
    if not values:
        return []
    if isinstance(present, list):
        return [_add(f"{path}/-", value) for value in values]
    return [_add(path, values)]


def _volume(edit: model.AddEmptyDir) -> dict[str, object]:
    source: dict[str, object] = {"sizeLimit": edit.size_limit}
    if edit.medium:
        source["medium"] = edit.medium
    if edit.mode is not None:
        source["mode"] = edit.mode
    return {"name": edit.name, "emptyDir": source}


def _seed_containers(edits: list[model.AddSeedContainer], spec: pod.PodSpec) -> Iterable[Operation]:
    """Put before the pod's own init containers, which may need what they copy."""
    made = [seeds.container(each, _received(each, spec)) for each in edits]
    if made and isinstance(spec.init_containers, list):
        return [_add(f"/spec/initContainers/{number}", each) for number, each in enumerate(made)]
    return [_add("/spec/initContainers", made)] if made else []


def _annotations(edits: list[model.Annotate], metadata: pod.Metadata | None) -> Iterable[Operation]:
    values = {each.key: each.value for each in edits}
    if not values:
        return []
    if metadata is None:
        return [_add("/metadata", {"annotations": values})]
    if not isinstance(metadata.annotations, dict):
        return [_add("/metadata/annotations", values)]
    return [_add(f"/metadata/annotations/{pointer(key)}", value) for key, value in values.items()]
