"""The drill of the stream in its short form; `make drills` has the long one."""

import os
import pathlib

import pytest

from tests.cluster import build, requirements
from tests.drills import feed, stream

pytestmark = pytest.mark.tools


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: pathlib.Path) -> None:
    """A server killed, a node cut off."""
    try:
        build.find("nats-server")
    except requirements.MissingError as error:
        if os.environ.get("PODSEAL_REQUIRE_ALL") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    outcome = stream.server_killed_node_cut_off(feed.Stage(tmp_path, outage=8.0, kills=1))
    assert outcome.fault == ""
    assert outcome.lost == 0
    assert outcome.duplicated == 0
    assert outcome.made > 0
