"""Fixtures of the end-to-end tests: `podseal` guards the cluster while the tests of one module run."""

import secrets
from collections.abc import Iterator

import pytest

from tests.cluster import beds
from tests.cluster.e2e import installation


@pytest.fixture(scope="module")
def podseal(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[installation.Installation]:
    """Two replicas, registered as the chart registers them; gone after the module's last test."""
    with installation.install(bed, tmp_path_factory.mktemp("podseal")) as installed:
        yield installed


@pytest.fixture(scope="module")
def guarded(bed: beds.Bed, podseal: installation.Installation) -> Iterator[str]:
    """Give a namespace that podseal guards, one a module: a fresh one for each test takes seconds."""
    del podseal
    name = f"guarded-{secrets.token_hex(4)}"
    bed.create_namespace(name)
    yield name
    bed.delete_namespace(name)
