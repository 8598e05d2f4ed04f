"""A collection of the API server, item by item, a page in memory at a time.

In: a path and a decoder of its pages. Out: the items in the order of namespace and name. Called by `walk`, `rbac` and
`policyreports`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from webhook import apiserver

Item = TypeVar("Item")
Progress = Callable[[int, int], None]

LIMIT = 500
"""Items of a page. kubectl takes as many; a page of pods is then some MiB."""
GONE = 410


class ListMetadata(Struct, frozen=True, rename="camel"):
    """metadata of a list. The server leaves out how many remain where a selector is set."""

    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int = 0


class Page(Struct, Generic[Item], frozen=True):
    """One page."""

    metadata: ListMetadata = ListMetadata()
    items: list[Item] = []


def nobody(_done: int, _total: int) -> None:
    """Progress that nobody follows."""


def items(
    client: apiserver.Client,
    path: str,
    decoder: msgspec.json.Decoder[Page[Item]],
    query: Mapping[str, str] | None = None,
    progress: Progress = nobody,
) -> Iterator[Item]:
    """Every item of a collection.

    Args:
        client: whom to ask.
        path: as in `/api/v1/pods`.
        decoder: of a page.
        query: selectors.
        progress: told after each page how many items of how many have come; the total is 0 where it is unknown.

    Raises:
        apiserver.Refused: the server refused, or sent what is no such list.
    """
    asked = {"limit": str(LIMIT), **(query or {})}
    done = 0
    while True:
        page = _page(client, path, decoder, asked)
        yield from page.items
        done += len(page.items)
        following = page.metadata.continue_
        known = page.metadata.remaining_item_count or not following
        progress(done, done + page.metadata.remaining_item_count if known else 0)
        if not following:
            return
        asked["continue"] = following


def _page(
    client: apiserver.Client, path: str, decoder: msgspec.json.Decoder[Page[Item]], query: dict[str, str]
) -> Page[Item]:
    """One page; where its place in the list was forgotten, the next one as of now.

    The snapshot of a list lives for some minutes (etcd's compaction). A 410 brings a token for the same place in the
    present state; what was created before that place meanwhile has met the webhook.
    """
    try:
        body = client.get(path, query)
    except apiserver.Refused as refused:
        if refused.status != GONE or not refused.continue_token:
            raise
        body = client.get(path, {**query, "continue": refused.continue_token})
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise apiserver.Refused(0, f"{path}: the API server sent something else than that list: {error}") from error
