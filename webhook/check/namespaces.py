"""Namespace objects among the input -> the labels and annotations of their namespaces.

In: the files' bytes. Out: namespace name -> `Namespace`. Called by `run` before anything is judged, since a Namespace
may stand after what it holds, or in another file. Only files that hold the word are composed for it.
"""

from collections.abc import Mapping

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
                if declared.kind == "Namespace" and declared.api_version == "v1":
                    found.update(_namespace(document, node))
    return found


def _namespace(document: model.Document, node: nodes.Node) -> dict[str, Namespace]:
    try:
        built = tree.Builder(document).build(node)
    except tree.TooLargeError:
        return {}
    metadata = built.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return {}
    return {metadata["name"]: Namespace(_texts(metadata.get("labels")), _texts(metadata.get("annotations")))}


def _texts(values: model.Tree) -> dict[str, str]:
    """The entries whose values are text; the API server takes no others."""
    return {key: value for key, value in values.items() if isinstance(value, str)} if isinstance(values, dict) else {}
