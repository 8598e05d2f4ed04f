"""The labels of every namespace, from memory: a list and a watch of metadata, and what to do when it falls behind.

In: a client of the API server. Out: `Namespaces.get(name)`, the `podseal.dev/` keys of a namespace. Called by the
webhook's app for each request; `start` by each worker after its fork. `podseal scan` takes `list_all` and `fetch_one`.
No request waits for the API server while the watch is alive and knows the namespace. Where the watch has been silent
for too long, or the namespace is too new for it, that one is fetched, once for all requests that ask for it, within
500 ms; failing that the last known labels serve, counted. Readiness never changes for it: every replica would fall
together.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import msgspec

from webhook import apiserver
from webhook.policy import guard, labels

PATH = "/api/v1/namespaces"
PAGE = 500
SILENCE = 90.0
"""Seconds without a sign of life after which the watch counts as stale."""
WATCH_SECONDS = 60
"""How long a watch lasts. That the server accepts the next one is a sign of life, and where no namespace changes the
only one: bookmarks come once a minute, but not before the first change that the server has seen since it started
(k8s.io/apiserver/pkg/storage/cacher, dispatchEvents), nor with an etcd that reports no progress."""
FETCH_SECONDS = 0.5
LONGEST_PAUSE = 30.0
GONE = 410
NOT_FOUND = 404

NO_KEYS = guard.NamespaceKeys()
log = logging.getLogger("podseal.namespaces")


class Metadata(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What is read of a namespace's metadata."""

    name: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    continue_: str = msgspec.field(default="", name="continue")


class Object(msgspec.Struct, frozen=True, gc=False):
    """A namespace's metadata, or the Status inside an ERROR event."""

    metadata: Metadata = Metadata()
    code: int = 0
    message: str = ""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One line of a watch."""

    type: str
    object: Object


class Page(msgspec.Struct, frozen=True):
    """One page of a list."""

    metadata: Metadata
    items: list[Object]


class Counts(msgspec.Struct):
    """What happened, for the metrics: each only rises, but `known`."""

    known: int = 0
    relists: int = 0
    watch_failures: int = 0
    fetches: int = 0
    stale_answers: int = 0


class Namespaces:
    """The namespaces of one cluster, kept up to date by one thread."""

    def __init__(self, client: apiserver.Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = Counts()
        self.on_count: Callable[[str, int], None] = _nobody
        self._client = client
        self._clock = clock
        self._known: dict[str, guard.NamespaceKeys] = {}
        self._heard = float("-inf")
        self._lock = threading.Lock()
        self._fetching: dict[str, Future[guard.NamespaceKeys | None]] = {}
        self._fetchers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="namespace-fetch")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="namespace-watch", daemon=True)

    def start(self) -> None:
        """Begin to list and watch, in a thread of this process (threads do not survive a fork)."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch at its next line or back-off."""
        self._stopped.set()
        self._fetchers.shutdown(wait=False, cancel_futures=True)

    @property
    def is_fresh(self) -> bool:
        """Whether the watch has been heard of lately."""
        return self._clock() - self._heard < SILENCE

    def get(self, name: str) -> guard.NamespaceKeys:
        """The podseal labels and annotations of a namespace; none where nothing is known of it."""
        keys = self._known.get(name)
        if keys is not None and self.is_fresh:
            return keys
        fetched = self._fetch(name)
        if fetched is not None:
            return fetched
        self._count("stale_answers")
        return keys or NO_KEYS

    def _fetch(self, name: str) -> guard.NamespaceKeys | None:
        """This one namespace from the API server, one request for all who ask at once; None where that fails."""
        with self._lock:
            future = self._fetching.get(name)
            if future is None:
                self._count("fetches")
                future = self._fetching[name] = self._fetchers.submit(self._fetch_now, name)
                future.add_done_callback(lambda _: self._fetching.pop(name, None))
        try:
            return future.result(FETCH_SECONDS)
        except (FutureTimeoutError, apiserver.Refused, msgspec.DecodeError):
            return None

    def _fetch_now(self, name: str) -> guard.NamespaceKeys | None:
        try:
            keys = fetch_one(self._client, name, FETCH_SECONDS)
        except apiserver.Refused as refused:
            if refused.status == NOT_FOUND:
                return NO_KEYS
            raise
        self._known[name] = keys
        return keys

    def _count(self, name: str) -> None:
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self.on_count(name, getattr(self.counts, name))

    def _count_known(self) -> None:
        self.counts.known = len(self._known)
        self.on_count("known", self.counts.known)

    def _run(self) -> None:
        """List, then watch until that breaks, then again; what the server has forgotten is listed anew."""
        version, failures = "", 0
        while not self._stopped.is_set():
            try:
                if not version:
                    version = self._list()
                version = self._watch(version)
                failures = 0
            except (apiserver.Refused, msgspec.DecodeError) as error:
                failures += 1
                self._count("watch_failures")
                if isinstance(error, msgspec.DecodeError) or error.status == GONE:
                    # A line that makes no sense would come again from the same version.
                    version = ""
                log.warning("namespace watch: %s", error)
                # Full jitter: a restarted API server must not meet every replica at the same instant.
                self._stopped.wait(random.uniform(0.1, min(LONGEST_PAUSE, 0.5 * 2**failures)))  # noqa: S311 -- no secret

    def _list(self) -> str:
        """Replace what is known by a list of now; return the version from which to watch."""
        self._known, version = list_all(self._client)
        self._heard = self._clock()
        self._count("relists")
        self.counts.known = len(self._known)
        return version

    def _watch(self, version: str) -> str:
        """Follow the changes from a version; return the version at which the server ended the watch."""
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        with self._client.watch(PATH, query, accept=apiserver.METADATA, silence=SILENCE) as lines:
            self._heard = self._clock()
            for line in lines:
                if self._stopped.is_set():
                    break
                event = msgspec.json.decode(line, type=Event)
                if event.type == "ERROR":
                    raise apiserver.Refused(event.object.code, event.object.message)
                version = event.object.metadata.resource_version
                self._follow(event)
        return version

    def _follow(self, event: Event) -> None:
        metadata = event.object.metadata
        if event.type == "DELETED":
            self._known.pop(metadata.name, None)
        elif event.type != "BOOKMARK":
            self._known[metadata.name] = _keys(metadata)
        self._heard = self._clock()
        self._count_known()


def list_all(client: apiserver.Client) -> tuple[dict[str, guard.NamespaceKeys], str]:
    """Every namespace of now, and the version from which to watch.

    Raises:
        apiserver.Refused: the server refused.
    """
    known: dict[str, guard.NamespaceKeys] = {}
    query = {"limit": str(PAGE)}
    while True:
        page = msgspec.json.decode(client.get(PATH, query, accept=apiserver.METADATA_LIST), type=Page)
        known |= {item.metadata.name: _keys(item.metadata) for item in page.items}
        if not page.metadata.continue_:
            return known, page.metadata.resource_version
        query["continue"] = page.metadata.continue_


def fetch_one(client: apiserver.Client, name: str, seconds: float = 30.0) -> guard.NamespaceKeys:
    """One namespace of now.

    Raises:
        apiserver.Refused: the server refused, or knows no such namespace (404).
    """
    body = client.get(f"{PATH}/{name}", accept=apiserver.METADATA, seconds=seconds)
    return _keys(msgspec.json.decode(body, type=Object).metadata)


def _nobody(_name: str, _value: int) -> None:
    """Until a worker has metrics, nobody is told."""


def _keys(metadata: Metadata) -> guard.NamespaceKeys:
    """Only our own keys: of ten thousand namespaces, most then share one empty value."""
    ours, notes = _ours(metadata.labels), _ours(metadata.annotations)
    return guard.NamespaceKeys(ours, notes) if ours or notes else NO_KEYS


def _ours(values: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (values or {}).items() if key.startswith(labels.PREFIX)}
