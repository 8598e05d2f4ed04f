"""A test that says that a pod runs, and then waits for the signal that ends it."""

import os
import pathlib
import signal

from tests.cluster import beds, manifests


def test_waits(bed: beds.Bed) -> None:
    """Wait until a signal comes."""
    bed.apply({**manifests.pod("p"), "metadata": {"name": "p", "namespace": "default"}})
    bed.admin("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
    pathlib.Path(os.environ["PODSEAL_TEST_READY"]).touch()
    signal.pause()
