"""Documents to objects: which kinds hold pods, Lists, and values of the wrong type."""

import pytest

from webhook.check import documents, model, objects
from webhook.policy import workloads

POD_SPEC = "{containers: [{name: web, image: nginx}]}"
TEMPLATES = {
    "Pod": f"spec: {POD_SPEC}",
    "PodTemplate": f"template: {{spec: {POD_SPEC}}}",
    "CronJob": f"spec: {{jobTemplate: {{spec: {{template: {{spec: {POD_SPEC}}}}}}}}}",
}
LISTS: dict[str, tuple[str, list[str]]] = {
    "List": ("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod}]}", ["Pod"]),
    "typed List": ("{apiVersion: v1, kind: PodList, items: [{}, {}]}", ["Pod", "Pod"]),
    "DeploymentList": ("{apiVersion: apps/v1, kind: DeploymentList, items: [{metadata: {name: x}}]}", ["Deployment"]),
    "List in a List": (
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: PodList, items: [{}]}]}",
        ["Pod"],
    ),
    "empty List": ("{apiVersion: v1, kind: List, items: []}", []),
    "List without items": ("{apiVersion: v1, kind: List}", []),
    "List whose items are none": ("{apiVersion: v1, kind: List, items: 7}", []),
    "List of others": ("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret}, 7]}", ["-", "-"]),
}
OTHERS = {
    "another kind": "{apiVersion: v1, kind: Service}",
    "a custom resource": "{apiVersion: example.test/v1, kind: Widget}",
    "a custom resource of the same kind": "{apiVersion: apps.kruise.io/v1beta1, kind: StatefulSet}",
    "a custom resource that ends in List": "{apiVersion: example.test/v1, kind: BlockList, items: [{}]}",
    "values of a chart": "image: {repository: nginx}",
    "a list": "[1, 2]",
    "a text": "hello",
    "a kind that is no text": "{apiVersion: v1, kind: [Pod]}",
}
WRONG: dict[str, tuple[str, int, str]] = {
    "text for a boolean": (
        "spec:\n  containers:\n  - name: a\n    securityContext:\n      privileged: 'true'\n",
        7,
        "spec.containers[0].securityContext.privileged has the wrong type: expected bool | null, found str; take",
    ),
    "text for a list": ("spec:\n  containers: x\n", 4, "spec.containers has the wrong type"),
    "number for an object": ("spec: 7\n", 3, "spec has the wrong type"),
    "a boolean annotation": (
        "metadata:\n  annotations:\n    x: 'on'\n    a: on\n",
        6,
        "annotations[a] has the wrong type: expected str | null, found bool; put it",
    ),
    "a name that YAML 1.1 reads as a boolean": ("metadata:\n  name: n\n", 4, "found bool; put it in quotes"),
    "a number for a name": ("metadata:\n  name: 12\n", 4, "metadata.name has the wrong type"),
}


def _read(text: str) -> list[objects.Object | objects.Ignored | model.Problem]:
    return [
        each
        for document in documents.read(text.encode(), "x.yaml")
        for each in (objects.read(document) if isinstance(document, model.Document) else (document,))
    ]


@pytest.mark.parametrize("kind", workloads.KINDS)
def test_every_kind_that_holds_a_pod_is_read(kind: str) -> None:
    """The pod is found where the kind keeps it, typed and as a tree."""
    version = workloads.KINDS[kind][2][0]
    where = TEMPLATES.get(kind, f"spec: {{template: {{spec: {POD_SPEC}}}}}")
    (found,) = _read(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web, namespace: shop}}\n{where}\n")
    assert isinstance(found, objects.Object)
    subject = found.subject
    assert (subject.kind, subject.namespace, subject.name, subject.operation) == (kind, "shop", "web", "CREATE")
    assert subject.pod
    assert subject.pod.spec
    assert subject.pod.spec.containers
    assert found.pod["spec"]["containers"][0]["image"] == "nginx"


@pytest.mark.parametrize(("text", "kinds"), LISTS.values(), ids=LISTS.keys())
def test_lists_are_unpacked(text: str, kinds: list[str]) -> None:
    """Items without a kind have the list's."""
    found = [each.subject.kind if isinstance(each, objects.Object) else "-" for each in _read(text)]
    assert found == kinds


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_what_holds_no_pod_is_counted(text: str) -> None:
    """And not read."""
    assert _read(text) == [objects.Ignored()]


@pytest.mark.parametrize("text", ["", "---\n---\n", "# comment\n", "~\n---\nnull\n"])
def test_empty_documents_are_nothing(text: str) -> None:
    """Charts are full of them."""
    assert [each for each in _read(text) if not isinstance(each, objects.Ignored)] == []


@pytest.mark.parametrize(("text", "line", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_type_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    """The API server would refuse the object."""
    (problem,) = _read(f"apiVersion: v1\nkind: Pod\n{text}")
    assert isinstance(problem, model.Problem)
    assert problem.line == line
    assert reason in problem.reason


def test_a_bomb_is_told_with_its_line() -> None:
    """And what follows is read."""
    bomb, pod = _read("apiVersion: v1\nkind: Pod\nspec: &a [*a]\n---\napiVersion: v1\nkind: Pod\n")
    assert isinstance(bomb, model.Problem)
    assert bomb.line == 1
    assert "aliases" in bomb.reason
    assert isinstance(pod, objects.Object)
    assert pod.line == 5


def test_an_unknown_field_is_told_though_another_has_the_wrong_type() -> None:
    """Whoever repairs one should see both."""
    text = "apiVersion: v1\nkind: Pod\nspec:\n  securityContext:\n    privileged: false\n  containers: 7\n"
    unknown, wrong = _read(text)
    assert isinstance(unknown, model.Problem)
    assert isinstance(wrong, model.Problem)
    assert (unknown.line, wrong.line) == (5, 6)
    assert unknown.reason.startswith("spec.securityContext.privileged: there is no such field here")
