"""Field paths to lines and columns."""

import pytest

from webhook.check import documents, model, positions

TEXT = b"""\
# a comment
apiVersion: v1
base: &base
  privileged: true
spec:
  containers:
    - name: web
      securityContext:
        <<: *base
        runAsUser: 0
        runAsUser: 7
  <<: [{hostPID: true}]
metadata:
  annotations:
    a.b/c: x
"""

PLACES: dict[str, tuple[str, tuple[int, int]]] = {
    "a field": ("spec.containers", (6, 3)),
    "an item": ("spec.containers[0]", (7, 7)),
    "a field of an item": ("spec.containers[0].name", (7, 7)),
    "the last of a repeated key": ("spec.containers[0].securityContext.runAsUser", (11, 9)),
    "a field that an alias merges in": ("spec.containers[0].securityContext.privileged", (4, 3)),
    "one of several that are merged in": ("spec.hostPID", (12, 9)),
    "a key with dots": ("metadata.annotations[a.b/c]", (15, 5)),
    "the parent of what is absent": ("spec.containers[0].securityContext.seccompProfile.type", (8, 7)),
    "the item of what is absent": ("spec.containers[0].ports[0].hostPort", (7, 7)),
    "an index beyond the end": ("spec.containers[7]", (6, 3)),
    "no digits": ("spec.containers[x]", (6, 3)),
    "digits that are not ours": ("spec.containers[\u0663]", (6, 3)),
    "below a scalar": ("apiVersion.x.y", (2, 1)),
    "nothing at all": ("status", (2, 1)),
    "no path": ("", (2, 1)),
}


@pytest.mark.parametrize(("path", "place"), PLACES.values(), ids=PLACES.keys())
def test_a_path_is_found_or_its_nearest_parent(path: str, place: tuple[int, int]) -> None:
    """Line and column, both from 1."""
    (document,) = documents.read(TEXT, "x.yaml")
    assert isinstance(document, model.Document)
    assert document.node
    assert positions.locate(document, document.node, path) == place


def test_lines_are_those_of_the_file_behind_a_broken_document() -> None:
    """What was composed begins at the separator, the file does not."""
    document = list(documents.read(b"[\n---\na:\n  b: c\n", "x.yaml"))[-1]
    assert isinstance(document, model.Document)
    assert document.node
    assert positions.locate(document, document.node, "a.b") == (4, 3)
    assert positions.line_of(document, document.node) == 3
