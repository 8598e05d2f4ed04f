"""Follows the objects of one kind: a list, then a watch, again and again for as long as the process lives.

In: a client of the API server, which objects, and a listener. Out: calls of the listener, in one thread. Called by
`webhook.namespaces`, and by the node monitor for the pods of its node (`runtime_monitor.enrich.pods`).
Each object is decoded into a type of the caller's that names the few fields it reads: the memory of a watch is theirs.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from webhook import apiserver

PAGE = 500
SILENCE = 90.0
"""Seconds without a sign of life after which a watch counts as stale."""
WATCH_SECONDS = 60
"""How long a watch lasts. That the server accepts the next one is a sign of life, and where nothing changes the
only one: bookmarks come once a minute, but not before the first change that the server has seen since it started
(k8s.io/apiserver/pkg/storage/cacher, dispatchEvents), nor with an etcd that reports no progress."""
LONGEST_PAUSE = 30.0
GONE = 410

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
log = logging.getLogger("podseal.watch")


class Resource(msgspec.Struct, frozen=True):
    """Which objects: the path of their list, selectors, and the form in which the server is to send them."""

    path: str
    selectors: Mapping[str, str] = apiserver.NO_QUERY
    accept_list: str = "application/json"
    accept: str = "application/json"


class Listener(Protocol[T_contra]):
    """Who wants to know."""

    def listed(self, objects: Sequence[T_contra]) -> None:
        """These are all of now; whatever else was known is gone."""

    def changed(self, changed: T_contra) -> None:
        """An object is new, or another than before."""

    def deleted(self, deleted: T_contra) -> None:
        """An object is gone."""

    def heard(self) -> None:
        """The server has shown that the watch lives."""

    def failed(self) -> None:
        """It broke, and will be taken up again."""


class Metadata(msgspec.Struct, frozen=True, rename={"resource_version": "resourceVersion", "continue_": "continue"}):
    """What every list and object has."""

    resource_version: str = ""
    continue_: str = ""


class Page(msgspec.Struct, frozen=True):
    """One page of a list; its objects are decoded by the caller's type."""

    metadata: Metadata
    items: list[msgspec.Raw]


class Event(msgspec.Struct, frozen=True, gc=False):
    """One line of a watch."""

    type: str
    object: msgspec.Raw


class Carried(msgspec.Struct, frozen=True, gc=False):
    """What is read of any object in a line: its version, or the Status inside an ERROR event."""

    metadata: Metadata = Metadata()
    code: int = 0
    message: str = ""


class Watch(Generic[T]):
    """One list and watch, in a thread of its own."""

    def __init__(self, client: apiserver.Client, resource: Resource, kind: type[T], listener: Listener[T]) -> None:
        self._client = client
        self._resource = resource
        self._kind = kind
        self._listener = listener
        self._stopped = threading.Event()
        name = f"{resource.path.rpartition('/')[2]}-watch"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread of this process (threads do not survive a fork)."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch at its next line or back-off."""
        self._stopped.set()

    def _run(self) -> None:
        """List, then watch until that breaks, then again; what the server has forgotten is listed anew."""
        version, failures = "", 0
        while not self._stopped.is_set():
            try:
                if not version:
                    version = self._list()
                version = self._follow(version)
                failures = 0
            except (apiserver.Refused, msgspec.DecodeError) as error:
                failures += 1
                self._listener.failed()
                if isinstance(error, msgspec.DecodeError) or error.status == GONE:
                    # A line that makes no sense would come again from the same version.
                    version = ""
                log.warning("watch of %s: %s", self._resource.path, error)
                # Full jitter: a restarted API server must not meet every replica at the same instant.
                self._stopped.wait(random.uniform(0.1, min(LONGEST_PAUSE, 0.5 * 2**failures)))  # noqa: S311 -- no secret

    def _list(self) -> str:
        objects, version = list_all(self._client, self._resource, self._kind)
        self._listener.listed(objects)
        return version

    def _follow(self, version: str) -> str:
        """Follow the changes from a version; return the version at which the server ended the watch."""
        query = {
            **self._resource.selectors,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        resource = self._resource
        with self._client.watch(resource.path, query, accept=resource.accept, silence=SILENCE) as lines:
            self._listener.heard()
            for line in lines:
                if self._stopped.is_set():
                    break
                version = self._tell(line)
                self._listener.heard()
        return version

    def _tell(self, line: bytes) -> str:
        event = msgspec.json.decode(line, type=Event)
        carried = msgspec.json.decode(event.object, type=Carried)
        if event.type == "ERROR":
            raise apiserver.Refused(carried.code, carried.message)
        if event.type != "BOOKMARK":
            told: Callable[[T], None] = self._listener.deleted if event.type == "DELETED" else self._listener.changed
            told(msgspec.json.decode(event.object, type=self._kind))
        return carried.metadata.resource_version


def list_all(client: apiserver.Client, resource: Resource, kind: type[T]) -> tuple[list[T], str]:
    """Every object of now, and the version from which to watch.

    Raises:
        apiserver.Refused: the server refused.
        msgspec.DecodeError: it sent something else.
    """
    found: list[T] = []
    query = {**resource.selectors, "limit": str(PAGE)}
    while True:
        page = msgspec.json.decode(client.get(resource.path, query, accept=resource.accept_list), type=Page)
        found.extend(_decoded(page.items, kind))
        if not page.metadata.continue_:
            return found, page.metadata.resource_version
        query["continue"] = page.metadata.continue_


def _decoded(items: list[msgspec.Raw], kind: type[T]) -> Iterator[T]:
    decoder = msgspec.json.Decoder(kind)
    return (decoder.decode(item) for item in items)
