"""Fixtures of the tests that need an API server that fails on purpose."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from certs.cluster import api
from tests.certs.cluster import double as doubles


@pytest.fixture
def double() -> Iterator[doubles.Double]:
    """A double of the API server."""
    with doubles.serving() as double:
        yield double


@pytest.fixture
def kubeconfig(tmp_path: pathlib.Path, double: doubles.Double) -> str:
    """A kubeconfig for the double."""
    return str(doubles.kubeconfig(tmp_path, double.url))


@pytest.fixture
def server(kubeconfig: str) -> api.Api:
    """The double as the product sees it."""
    return api.connect(kubeconfig)
