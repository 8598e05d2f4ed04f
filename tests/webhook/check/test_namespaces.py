"""Namespace objects among the input."""

from webhook.check import namespaces

TEXT = b"""\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {podseal.dev/enforce: strict, number: 7}
  annotations: {team: blue}
---
apiVersion: v1
kind: NamespaceList
items:
  - metadata: {name: other}
  - metadata: {name: 7}
  - metadata: nothing
  - 12
---
apiVersion: example.test/v1
kind: Namespace
metadata: {name: custom}
---
apiVersion: v1
kind: Namespace
metadata: &bomb
  name: bomb
  labels: *bomb
"""


def test_labels_and_annotations_are_taken_from_namespaces_alone() -> None:
    """Values that are no text are left out; what cannot be built is none."""
    assert namespaces.read(TEXT) == {
        "shop": namespaces.Namespace({"podseal.dev/enforce": "strict"}, {"team": "blue"}),
        "other": namespaces.NO_NAMESPACE,
    }


def test_a_file_without_the_word_is_not_composed_for_it() -> None:
    """The cheap question before the dear one."""
    assert namespaces.may_hold(TEXT)
    assert not namespaces.may_hold(b"kind: Pod")
