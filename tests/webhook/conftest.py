"""Fixtures that several suites of the webhook share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webhook import pki, serving


@pytest.fixture(scope="session")
def authority() -> pki.Pair:
    """An authority that signs what the suites serve with."""
    return pki.issue("test authority")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory, authority: pki.Pair) -> Path:
    """A folder with a certificate for localhost."""
    return pki.write(tmp_path_factory.mktemp("certificates"), authority, pki.issue("podseal", authority))


@pytest.fixture(scope="session")
def shared_server(certificates: Path) -> Iterator[serving.Server]:
    """One server for all tests that only ask it something."""
    with serving.serve(certificates) as server:
        yield server
