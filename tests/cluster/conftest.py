"""Fixtures on a real cluster: `bed` (one a session), `kubectl`, `namespace` (one a test).

A machine that cannot run a cluster skips these tests with the reason in one line; with PODSEAL_REQUIRE_ALL=1 that is an
error. PODSEAL_TEST_CLUSTER=FOLDER uses a running cluster (`make cluster`: .cluster) and leaves it running.
"""

import collections.abc
import os
import pathlib
import secrets
import tempfile

import pytest

from tests.cluster import beds, interrupts, packages, processes, requirements

_HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder, so that none is run by accident where no cluster may start."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where the machine lacks something that a cluster needs, or fail where nothing may be skipped."""
    with requirements.or_skip():
        packages.ensure()
        beds.check_requirements()


@pytest.fixture(scope="session")
def bed(able: None) -> collections.abc.Iterator[beds.Bed]:
    """Give a cluster in which pods run; it is gone after the session, however that ends."""
    del able
    running = os.environ.get("PODSEAL_TEST_CLUSTER")
    if running:
        yield beds.attach(pathlib.Path(running).absolute())
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="podseal-bed-"))
    with interrupts.raised():
        started = beds.start(folder, owner=processes.identify(os.getpid()))
        try:
            yield started
        finally:
            started.stop()


@pytest.fixture
def kubectl(bed: beds.Bed) -> beds.Kubectl:
    """Give a function `(user, *arguments, stdin=None) -> CompletedProcess` that runs kubectl."""
    return bed.kubectl


@pytest.fixture
def namespace(bed: beds.Bed) -> collections.abc.Iterator[str]:
    """Give the name of a fresh namespace in which the people of users.PEOPLE have their roles."""
    name = f"test-{secrets.token_hex(4)}"
    bed.create_namespace(name)
    yield name
    bed.delete_namespace(name)
