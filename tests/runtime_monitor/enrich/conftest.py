"""A container that runs on this machine, without a runtime, and what /proc says of the machine."""

from collections.abc import Iterator

import pytest

from runtime_monitor.enrich import roots
from runtime_monitor.kernel import machine
from runtime_monitor.selftest import container
from tests.kernel import able


@pytest.fixture(scope="session")
def running() -> Iterator[container.Container]:
    """One container for all tests that only look."""
    able.to_make_containers()
    with container.running() as made:
        yield made


@pytest.fixture
def proc() -> roots.Proc:
    """/proc of this machine."""
    host = machine.host()
    return roots.Proc(roots.Host(host.root_device, host.mount_namespace, host.pid_namespace))
