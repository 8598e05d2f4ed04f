"""Namespace objects among the input -> the labels and annotations of their namespaces.

In: the files' bytes. Out: namespace name -> `Namespace`. Called by `run` before anything is judged, since a Namespace
may stand after what it holds, or in another file. Only files that hold the word are composed for it.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from yaml import nodes

from webhook.check import documents, model, objects, tree


class Namespace(Struct, frozen=True):
    """What a Namespace object says of itself."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


NO_NAMESPACE = Namespace()


def may_hold(data: bytes) -> bool:
    """Whether the file could hold a Namespace object; cheap, and never wrong where it says no, but for UTF-16."""
    return b"Namespace" in data


def read(data: bytes) -> Mapping[str, Namespace]:
    """The Namespace objects of one file; what cannot be read is told when the file is judged."""
    found = {}
    for document in documents.read(data, ""):
        if isinstance(document, model.Document) and document.node:
            for node, declared in objects.unpacked(document.node):
                if declared == objects.NAMESPACE:
                    found.update(_namespace(document, node))
    return found


def _namespace(document: model.Document, node: nodes.Node) -> dict[str, Namespace]:
    try:
        metadata = msgspec.convert(tree.Builder(document).build(node), objects.NamespaceObject).metadata
    except (tree.TooLargeError, msgspec.ValidationError):
        return {}
    if metadata is None:
        return {}
    return {metadata.name: Namespace(_texts(metadata.labels), _texts(metadata.annotations))}


def _texts(values: Mapping[str, str | None] | None) -> dict[str, str]:
    """A null is an empty text to the API server."""
    return {key: value or "" for key, value in (values or {}).items()}
