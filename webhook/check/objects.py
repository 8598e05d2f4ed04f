"""A document -> the objects in it that hold pods, as the policy core takes them, and what cannot be read of them.

In: a composed document. Out: an `Object` for each Pod or workload, also inside Lists, and how many documents and items
hold none. Called by `run`; `namespaces` shares `unpacked`. Only objects that hold pods are built into values: a chart
is full of CRDs and ConfigMaps, which nobody here reads.
"""

import re
from collections.abc import Generator, Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct
from yaml import nodes

from webhook.check import fields, model, positions, scalars, tree
from webhook.policy import model as policy_model
from webhook.policy import pod, workloads

GROUPS = frozenset({"", "apps", "batch", "extensions"})
"""API groups whose kinds are Kubernetes' own. Others have kinds of the same names: OpenKruise a StatefulSet."""

MAX_LISTS = 4
"""Lists within lists; kubectl unpacks them to any depth, and nobody nests two."""

TOO_LARGE = "its aliases expand without end or to more than any object needs; write the values out"
SOME_VALUE = "[...]"
VALIDATION_PATH = r"(?s)(.*) - at `(?:key in )?\$\.?(.*)`"


class Header(Struct, frozen=True):
    """What an object says it is."""

    api_version: str = ""
    kind: str = ""

    @property
    def group(self) -> str:
        """The API group, empty for the core's."""
        group, slash, _ = self.api_version.rpartition("/")
        return group if slash else ""


class Object(Struct, frozen=True):
    """One object that holds a pod. `pod` is the pod, or the pod template, as a tree."""

    document: model.Document
    node: nodes.Node
    subject: policy_model.Subject
    pod: model.Tree

    @property
    def line(self) -> int:
        """Where the object begins."""
        return positions.line_of(self.document, self.node)


class NamespaceMetadata(pod.ApiObject, frozen=True):
    """The metadata of a Namespace, as far as a policy is read from it."""

    name: str = ""
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None


class NamespaceObject(pod.ApiObject, frozen=True):
    """A Namespace; `enforce: off` without quotes is a boolean to YAML 1.1, and no label."""

    metadata: NamespaceMetadata | None = None


Converted = TypeVar("Converted", bound=pod.ApiObject)
NAMESPACE = Header("v1", "Namespace")


class Ignored(Struct, frozen=True):
    """A document or an item of a List without a pod."""


def read(document: model.Document) -> Iterator[Object | Ignored | model.Problem]:
    """Everything in one document."""
    if document.node is None or (isinstance(document.node, nodes.ScalarNode) and not document.node.value):
        return
    builder = tree.Builder(document)
    for node, declared in unpacked(document.node):
        if declared.kind in workloads.KINDS and declared.group in GROUPS:
            yield from _object(document, node, declared.kind, builder)
        elif declared == NAMESPACE:
            yield from _converted(document, node, builder, "Namespace", NamespaceObject)
            yield Ignored()
        else:
            yield Ignored()


def _header(node: nodes.Node, default: Header) -> Header:
    """ApiVersion and kind of a node; an item of a typed List may leave them out."""
    if not isinstance(node, nodes.MappingNode):
        return Header()
    api_version, kind = default.api_version, default.kind
    for key, value in node.value:
        name = key.value
        if name == "kind" and type(value.value) is str:
            kind = value.value
        elif name == "apiVersion" and type(value.value) is str:
            api_version = value.value
    return Header(api_version, kind)


def unpacked(node: nodes.Node) -> Iterator[tuple[nodes.Node, Header]]:
    """A node, or what it lists, each with its header."""
    return _items(node, Header(), MAX_LISTS)


def _items(node: nodes.Node, default: Header, depth: int) -> Iterator[tuple[nodes.Node, Header]]:
    declared = _header(node, default)
    if not (declared.kind.endswith("List") and declared.group in GROUPS and depth):
        yield node, declared
        return
    of_items = Header(declared.api_version, declared.kind.removesuffix("List"))
    for key, value in node.value:
        if key.value == "items" and isinstance(value, nodes.SequenceNode):
            for item in value.value:
                yield from _items(item, of_items, depth - 1)


def _object(
    document: model.Document, node: nodes.Node, kind: str, builder: tree.Builder
) -> Iterator[Object | model.Problem]:
    struct, prefix, _ = workloads.KINDS[kind]
    converted = yield from _converted(document, node, builder, kind, struct)
    if converted is None:
        return
    built, decoded = converted
    metadata = decoded.metadata or None
    subject = policy_model.Subject(
        kind=kind,
        namespace=(metadata.namespace or "") if metadata else "",
        name=(metadata.name or "") if metadata else "",
        pod=decoded.pod(),
    )
    yield Object(document, node, subject, subtree(built, prefix))


def _converted(
    document: model.Document, node: nodes.Node, builder: tree.Builder, kind: str, struct: type[Converted]
) -> Generator[model.Problem, None, tuple[model.Tree, Converted] | None]:
    """The tree of an object and its typed form; None, after a problem, where it has none."""
    try:
        built = builder.build(node)
    except tree.TooLargeError:
        yield model.Problem(document.file, positions.line_of(document, node), TOO_LARGE)
        return None
    finally:
        yield from builder.problems
        builder.problems = []
    prefix = workloads.prefix(kind) if kind in workloads.KINDS else ""
    for path, reason in fields.unknown(subtree(built, prefix)):
        line, _ = positions.locate(document, node, prefix + path)
        yield model.Problem(document.file, line, f"{prefix}{path}: {reason}")
    try:
        return built, msgspec.convert(built, struct)
    except msgspec.ValidationError as error:
        yield _type_problem(document, node, kind, str(error))
        return None


def _type_problem(document: model.Document, node: nodes.Node, kind: str, error: str) -> model.Problem:
    """A value of the wrong type, at its line; the API server refuses the object for it."""
    found = re.fullmatch(VALIDATION_PATH, error)
    reason, path = (found[1], found[2]) if found else (error, "")
    if path.endswith(SOME_VALUE):
        path = _with_key(positions.nearest(node, path), path)
    line, _ = positions.locate(document, node, path)
    reason = reason.replace("`", "").replace("Expected", "expected").replace("got", "found")
    hint = ""
    if "found str" in reason and re.search(r"expected (bool|int)", reason):
        hint = "; take it out of its quotes"
    elif "expected str" in reason and re.search(r"found (bool|int|float)", reason):
        hint = "; put it in quotes"
    where = path or "the object"
    return model.Problem(document.file, line, f"{kind}: {where} has the wrong type: {reason}{hint}")


def _with_key(node: nodes.Node, path: str) -> str:
    """The path with the key of the first value that is no text; msgspec does not say which of a dict's values it is."""
    for key, value in node.value if isinstance(node, nodes.MappingNode) else ():
        is_text = isinstance(value, nodes.ScalarNode) and (
            value.tag != "?" or isinstance(scalars.plain(value.value), str | None)
        )
        if not is_text:
            return f"{path.removesuffix(SOME_VALUE)}[{key.value}]"
    return path


def subtree(values: model.Tree, prefix: str) -> model.Tree:
    """The part of an object's tree at a prefix as in `spec.template.`; None where there is none."""
    for name in prefix.split("."):
        if name:
            values = values.get(name) if isinstance(values, dict) else None
    return values
