"""Namespace objects among the input."""

from tests.webhook.check import inputs
from webhook.check import namespaces

TEXT = b"""\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {podseal.dev/enforce: strict, empty: null}
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
    """What cannot be read is none."""
    assert namespaces.read(TEXT) == {
        "shop": namespaces.Namespace({"podseal.dev/enforce": "strict", "empty": ""}, {"team": "blue"}),
        "other": namespaces.NO_NAMESPACE,
    }


def test_a_label_that_yaml_reads_as_a_boolean_is_told_with_its_line() -> None:
    """Else `enforce: off` would be passed over, and the defaults would hold without a word."""
    data = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    podseal.dev/enforce: off\n"
    assert namespaces.read(data) == {}
    (problem,) = inputs.check(data).problems
    assert problem.line == 6
    assert "found bool; put it in quotes" in problem.reason


def test_a_file_without_the_word_is_not_composed_for_it() -> None:
    """The cheap question before the dear one."""
    assert namespaces.may_hold(TEXT)
    assert not namespaces.may_hold(b"kind: Pod")
