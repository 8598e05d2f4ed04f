"""The drill of the stream in its short form; `make drills` has the long one."""

import pathlib

import pytest

from tests.cluster import build, requirements
from tests.drills import feed, stream

pytestmark = pytest.mark.tools


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: pathlib.Path) -> None:
    """A server killed, a node cut off."""
    with requirements.or_skip():
        build.find("nats-server")
    outcome = stream.server_killed_node_cut_off(feed.Stage(tmp_path, outage=8.0, kills=1))
    assert outcome.fault == ""
    assert outcome.lost == 0
    assert outcome.duplicated == 0
    assert outcome.made > 0
