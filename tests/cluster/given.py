"""A bed for programs that are no tests: the one that PODSEAL_TEST_CLUSTER names, else one of their own.

In: that variable. Out: a `Bed` for as long as the block runs. Called by the drills and the benchmark of latency.
"""

import contextlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator

from tests.cluster import beds, build, interrupts, packages, processes


@contextlib.contextmanager
def bed() -> Iterator[beds.Bed]:
    """A cluster in which pods run, and Helm beside it.

    Raises:
        MissingError: the machine lacks something; the text says what.
        KeyboardInterrupt: also for the other signals that ask for an end, so that the cluster is removed.
    """
    running = os.environ.get("PODSEAL_TEST_CLUSTER")
    with interrupts.raised():
        if running:
            yield beds.attach(pathlib.Path(running).absolute())
            return
        packages.ensure()
        build.ensure((*build.CLUSTER, "helm"))
        folder = pathlib.Path(tempfile.mkdtemp(prefix="podseal-bed-"))
        started = beds.start(folder, owner=processes.identify(os.getpid()), progress=_tell)
        try:
            yield started
        finally:
            started.stop()


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
