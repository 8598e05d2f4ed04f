"""A test that fails while a pod runs."""

from tests.cluster import beds, manifests


def test_fails(bed: beds.Bed) -> None:
    """Fail on purpose."""
    bed.apply({**manifests.pod("p"), "metadata": {"name": "p", "namespace": "default"}})
    bed.admin("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
    raise AssertionError("on purpose")
