"""Fuzz of the running webhook: whatever is sent to it, no answer is 5xx and no worker ends.

Short in the suite; PODSEAL_FUZZ_SECONDS=600 makes it run longer. What is sent is drawn by hypothesis: bytes, JSON of
any shape, captured reviews with any value anywhere, and bytes of them changed.
"""

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.webhook import pki, serving

SECONDS = float(os.environ.get("PODSEAL_FUZZ_SECONDS", "5"))
REVIEWS = [path.read_bytes() for path in serving.REVIEWS]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=10,
)


def places(tree: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in a tree."""
    children: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in children:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = [sorted(places(json.loads(review)), key=str) for review in REVIEWS]


@st.composite
def altered(draw: st.DrawFn) -> bytes:
    """A captured review with some of its values replaced by others."""
    number = draw(st.integers(0, len(REVIEWS) - 1))
    review = json.loads(REVIEWS[number])
    for _ in range(draw(st.integers(1, 4))):
        *parents, last = draw(st.sampled_from(PLACES[number]))
        with contextlib.suppress(KeyError, IndexError, TypeError):
            at = review
            for step in parents:
                at = at[step]
            at[last] = draw(VALUES)
    return json.dumps(review).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A captured review with bytes cut out, put in or repeated."""
    review = draw(st.sampled_from(REVIEWS))
    start = draw(st.integers(0, len(review)))
    end = draw(st.integers(start, min(len(review), start + 50)))
    return review[:start] + draw(st.binary(max_size=20)) * draw(st.integers(1, 50)) + review[end:]


BODIES = st.one_of(
    st.binary(max_size=500), VALUES.map(lambda value: json.dumps(value).encode()), altered(), altered(), damaged()
)
TYPES = st.sampled_from(["application/json"] * 6 + ["text/plain", "", "application/json; x"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """A server of this suite's own."""
    authority = pki.issue("fuzz authority")
    folder = pki.write(tmp_path_factory.mktemp("fuzz"), authority, pki.issue("fuzz", authority))
    with serving.serve(Path(folder)) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
def test_nothing_that_is_sent_breaks_a_worker(server: serving.Server) -> None:
    """Each answer is below 500 and is JSON; a decision that raises would be counted; the workers are the same."""
    before = server.workers()
    ends = time.monotonic() + SECONDS
    connections: list[http.client.HTTPSConnection] = []

    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(BODIES, TYPES, st.sampled_from(["/validate", "/mutate", "/mutate?timeout=5s"]))
    def send(body: bytes, content_type: str, path: str) -> None:
        if not connections:
            connections.append(server.connect())
        connections[0].request("POST", path, body, {"Content-Type": content_type})
        response = connections[0].getresponse()
        answer = response.read()
        assert response.status < 500
        json.loads(answer)
        if response.will_close:
            connections.pop().close()

    while time.monotonic() < ends:
        send()
    for connection in connections:
        connection.close()
    assert server.workers() == before
    assert "podseal_decision_errors_total{" not in server.probe("/metrics")[1]
