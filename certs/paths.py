"""The random component of the webhooks' paths, as pure decisions: what is stored, and the time -> what is accepted.

Whoever reaches a webhook over the network can send it reviews that no API server has seen: without a client certificate
it cannot tell them apart. So its paths end in something that nobody can guess, renewed with each serving certificate.
`cluster.entrances` stores and publishes what is decided here; the webhook accepts every path that is stored.

A new component is stored beside the former, published when every webhook has read it, and the former goes when every
API server has read what is published. The law, a property test: a webhook accepts whatever an API server sends, as long
as neither is further behind than `settle`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Path:
    """One random component.

    Args:
        token: what stands in the path.
        made: when it was stored.
        leaf: fingerprint of the serving certificate that it came with; empty where that is unknown.
        published: since when it has been seen in every configuration; None as long as it has not.
    """

    token: str = dataclasses.field(repr=False)
    made: dt.datetime
    leaf: str = ""
    published: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a pass finds.

    Args:
        now: the time.
        leaf: fingerprint of the serving certificate.
        published: the component that every configuration holds; empty where they differ or hold none.
    """

    now: dt.datetime
    leaf: str
    published: str = dataclasses.field(repr=False)


Paths = tuple[Path, ...]
"""What is accepted, the newest first; at most two."""


def renewed(seen: Seen, stored: Paths, settle: dt.timedelta, make: Callable[[], str]) -> Paths:
    """What is to be stored.

    Args:
        seen: what the pass finds.
        stored: what is stored. Where that was lost, webhooks still accept what is published, by the file that they
            have mounted.
        settle: how long until every webhook has read what is stored, and every API server what is published.
        make: gives a new random component.
    """
    fresh = Path(make(), seen.now, seen.leaf)
    if not stored:
        return (fresh, Path(seen.published, seen.now)) if seen.published else (fresh,)
    newest, *former = stored
    if not former:
        return stored if newest.leaf == seen.leaf else (fresh, newest)
    if seen.published != newest.token:
        return stored
    if newest.published is None:
        return dataclasses.replace(newest, published=seen.now), *former
    return (newest,) if seen.now - newest.published >= settle else stored


def current(now: dt.datetime, stored: Paths, settle: dt.timedelta) -> str:
    """The component that is to be published, of one or two that are stored."""
    newest, former = stored[0], stored[-1]
    return newest.token if newest.published or now - newest.made >= settle else former.token


def encode(paths: Paths) -> bytes:
    """JSON, which the webhook reads too; `decode` gives it back."""
    rows = [
        {
            "token": each.token,
            "made": each.made.isoformat(),
            "leaf": each.leaf,
            "published": each.published and each.published.isoformat(),
        }
        for each in paths
    ]
    return json.dumps({"paths": rows}, indent=1).encode() + b"\n"


def decode(content: bytes) -> Paths:
    """What is stored; nothing where it cannot be read, so that it is made anew."""
    try:
        return tuple(_path(row) for row in json.loads(content)["paths"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def _path(row: dict[str, str | None]) -> Path:
    path = Path(row["token"] or "", _time(row["made"] or ""), row["leaf"] or "")
    if not path.token:
        raise ValueError("a path without a random component would let everybody in")
    return dataclasses.replace(path, published=_time(row["published"])) if row["published"] else path


def _time(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time
