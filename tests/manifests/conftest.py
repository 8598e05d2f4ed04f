"""What the tests of the manifests need: Helm, which `tests.cluster.build` makes.

A machine without it skips them with the reason in one line; with PODSEAL_REQUIRE_ALL=1 that is an error.
"""

import pytest

from tests.cluster import build, requirements
from tests.manifests import chart


@pytest.fixture(scope="session")
def helm() -> None:
    """Skip where Helm is not built, or fail where nothing may be skipped."""
    with requirements.or_skip():
        build.find("helm")


@pytest.fixture(scope="session")
def default(helm: None) -> list[chart.Object]:
    """The chart's objects with its default values."""
    del helm
    return chart.objects()


@pytest.fixture(scope="session")
def everything(helm: None) -> list[chart.Object]:
    """The chart's objects with every option on."""
    del helm
    return chart.objects(chart.ALL_OPTIONS)
