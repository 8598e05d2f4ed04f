"""One container for all tests of this folder that need one; making it needs root and namespaces."""

import collections.abc

import pytest

from runtime_monitor.selftest import container, stage
from tests.kernel import able

FILES = {f"{stage.HOME}/{name}": b"of the image\n" for name in ("kept", "second")}


@pytest.fixture(scope="session")
def running() -> collections.abc.Iterator[container.Container]:
    """A running container, whose image has two files."""
    able.to_make_containers()
    with container.running(container.Configuration(image=FILES)) as made:
        yield made
