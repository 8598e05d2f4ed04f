"""The random component of paths: what is stored when, what is published, and the law between the two."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs import paths
from tests.certs.world import START

SETTLE = dt.timedelta(minutes=10)
MINUTE = dt.timedelta(minutes=1)
_Value = TypeVar("_Value")
OLD = paths.Path("old", START - 2 * SETTLE, "leaf-1")
NEW = paths.Path("new", START, "leaf-2")
SEEN = dataclasses.replace(NEW, published=START + SETTLE)
LATER = START + 2 * SETTLE

RENEWALS: dict[str, tuple[paths.Seen, paths.Paths, paths.Paths]] = {
    "nothing is stored": (paths.Seen(START, "leaf-2", ""), (), (NEW,)),
    "the store was lost: webhooks accept what is published": (
        paths.Seen(START, "leaf-2", "old"), (), (NEW, paths.Path("old", START)),
    ),
    "the certificate is the same": (paths.Seen(START, "leaf-1", "old"), (OLD,), (OLD,)),
    "another certificate": (paths.Seen(START, "leaf-2", "old"), (OLD,), (NEW, OLD)),
    "another certificate before all is over": (paths.Seen(LATER, "leaf-3", "old"), (NEW, OLD), (NEW, OLD)),
    "published somewhere": (paths.Seen(LATER, "leaf-2", ""), (NEW, OLD), (NEW, OLD)),
    "published everywhere": (paths.Seen(START + SETTLE, "leaf-2", "new"), (NEW, OLD), (SEEN, OLD)),
    "some API server may not know": (paths.Seen(LATER - MINUTE, "leaf-2", "new"), (SEEN, OLD), (SEEN, OLD)),
    "nobody sends the former any more": (paths.Seen(LATER, "leaf-2", "new"), (SEEN, OLD), (SEEN,)),
    "somebody put the former back": (paths.Seen(LATER, "leaf-2", "old"), (SEEN, OLD), (SEEN, OLD)),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "stored", "expected"), RENEWALS.values(), ids=RENEWALS.keys())
def test_renewed(seen: paths.Seen, stored: paths.Paths, expected: paths.Paths) -> None:
    """With each certificate a new component, and never more than two that are accepted."""
    assert paths.renewed(seen, stored, SETTLE, lambda: "new") == expected


@pytest.mark.parametrize(("minutes", "token"), [(-1, "old"), (0, "old"), (9, "old"), (10, "new")])
def test_a_new_component_is_published_when_every_webhook_knows_it(minutes: int, token: str) -> None:
    """Before that the former is; also where a clock was ahead."""
    assert paths.current(START + minutes * MINUTE, (NEW, OLD), SETTLE) == token


def test_the_first_is_published_at_once() -> None:
    """No webhook runs yet that would know another."""
    assert paths.current(START, (NEW,), SETTLE) == "new"


@given(st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.booleans()), max_size=40))
def test_whoever_is_not_further_behind_than_settle_is_understood(passes: list[tuple[int, bool, bool]]) -> None:
    """The law: what was in the configurations in the last `settle` is in all that was stored in the last `settle`.

    Minutes between passes, new certificates and failures to publish are any.
    """
    names = (f"token-{number}" for number in itertools.count())
    now, leaf, published = START, 0, ""
    stored: paths.Paths = ()
    written: list[tuple[dt.datetime, paths.Paths]] = []
    sent: list[tuple[dt.datetime, str]] = []
    for minutes, renew, fails in passes:
        now += minutes * MINUTE
        leaf += renew
        stored = paths.renewed(paths.Seen(now, str(leaf), published), stored, SETTLE, lambda: next(names))
        written.append((now, stored))
        published = published if fails else paths.current(now, stored, SETTLE)
        sent.append((now, published))
        for token in _recent(sent, now) - {""}:
            for accepted in _recent(written, now):
                assert token in {each.token for each in accepted}


def _recent(history: list[tuple[dt.datetime, _Value]], now: dt.datetime) -> set[_Value]:
    """The values of which somebody may still know who is less than `settle` behind."""
    ends = [when for when, _ in history[1:]] + [now]
    return {value for (_, value), end in zip(history, ends, strict=True) if now - end < SETTLE}


def test_what_is_stored_comes_back() -> None:
    """And the token is in no message by accident."""
    assert paths.decode(paths.encode((SEEN, OLD))) == (SEEN, OLD)
    assert "new" not in repr(NEW)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"paths": [{"token": "x"}]}'),
        b'{"paths": [{"token": "", "made": "2027-01-01T00:00:00+00:00", "leaf": "", "published": null}]}',
        b'{"paths": [{"token": "x", "made": "2027-01-01T00:00:00", "leaf": "", "published": null}]}',
    ],
)
def test_unreadable_content_is_none(content: bytes) -> None:
    """Whatever somebody wrote there, a new one is made."""
    assert paths.decode(content) == ()
