"""The labels of every namespace, from memory: a list and a watch of metadata, and what to do when it falls behind.

In: a client of the API server. Out: `Namespaces.get(name)`, the `podseal.dev/` keys of a namespace. Called by the
webhook's app for each request; `start` by each worker after its fork. `podseal scan` takes `list_all` and `fetch_one`.
No request waits for the API server while the watch is alive and knows the namespace. Where the watch has been silent
for too long, or the namespace is too new for it, that one is fetched, once for all requests that ask for it, within
500 ms; failing that the last known labels serve, counted. Readiness never changes for it: every replica would fall
together.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import msgspec

from webhook import apiserver, watch
from webhook.policy import guard, labels

PATH = "/api/v1/namespaces"
RESOURCE = watch.Resource(PATH, accept_list=apiserver.METADATA_LIST, accept=apiserver.METADATA)
SILENCE = watch.SILENCE
FETCH_SECONDS = 0.5
NOT_FOUND = 404

NO_KEYS = guard.NamespaceKeys()


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """What is read of a namespace's metadata."""

    name: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Object(msgspec.Struct, frozen=True, gc=False):
    """A namespace's metadata."""

    metadata: Metadata = Metadata()


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
        self._watch = watch.Watch(client, RESOURCE, Object, self)

    def start(self) -> None:
        """Begin to list and watch, in a thread of this process (threads do not survive a fork)."""
        self._watch.start()

    def stop(self) -> None:
        """End the watch at its next line or back-off."""
        self._watch.stop()
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

    def known(self) -> dict[str, guard.NamespaceKeys]:
        """Every namespace in memory, as of now."""
        return dict(self._known)

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
        before = self._known.get(name)
        try:
            keys = fetch_one(self._client, name, FETCH_SECONDS)
        except apiserver.Refused as refused:
            if refused.status == NOT_FOUND:
                return NO_KEYS
            raise
        # What the watch has brought meanwhile may be newer, and would not come again.
        if self._known.get(name) is before:
            self._known[name] = keys
        return keys

    def _count(self, name: str) -> None:
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self.on_count(name, getattr(self.counts, name))

    def _count_known(self) -> None:
        self.counts.known = len(self._known)
        self.on_count("known", self.counts.known)

    def listed(self, objects: Sequence[Object]) -> None:
        """Replace what is known by a list of now."""
        self._known = _by_name(objects)
        self.heard()
        self._count("relists")
        self._count_known()

    def changed(self, changed: Object) -> None:
        """A namespace is new, or has other labels."""
        self._known[changed.metadata.name] = _keys(changed.metadata)
        self._count_known()

    def deleted(self, deleted: Object) -> None:
        """A namespace is gone."""
        self._known.pop(deleted.metadata.name, None)
        self._count_known()

    def heard(self) -> None:
        """The watch lives."""
        self._heard = self._clock()

    def failed(self) -> None:
        """The watch broke."""
        self._count("watch_failures")


def list_all(client: apiserver.Client) -> tuple[dict[str, guard.NamespaceKeys], str]:
    """Every namespace of now, and the version from which to watch.

    Raises:
        apiserver.Refused: the server refused.
    """
    objects, version = watch.list_all(client, RESOURCE, Object)
    return _by_name(objects), version


def fetch_one(client: apiserver.Client, name: str, seconds: float = 30.0) -> guard.NamespaceKeys:
    """One namespace of now.

    Raises:
        apiserver.Refused: the server refused, or knows no such namespace (404).
    """
    body = client.get(f"{PATH}/{name}", accept=apiserver.METADATA, seconds=seconds)
    return _keys(msgspec.json.decode(body, type=Object).metadata)


def _nobody(_name: str, _value: int) -> None:
    """Until a worker has metrics, nobody is told."""


def _by_name(objects: Sequence[Object]) -> dict[str, guard.NamespaceKeys]:
    return {each.metadata.name: _keys(each.metadata) for each in objects}


def _keys(metadata: Metadata) -> guard.NamespaceKeys:
    """Only our own keys: of ten thousand namespaces, most then share one empty value."""
    ours, notes = _ours(metadata.labels), _ours(metadata.annotations)
    return guard.NamespaceKeys(ours, notes) if ours or notes else NO_KEYS


def _ours(values: Mapping[str, str] | None) -> Mapping[str, str]:
    """Names and values recur in namespace after namespace: each is kept once."""
    found = {sys.intern(key): sys.intern(value) for key, value in (values or {}).items() if _is_ours(key)}
    return found or NO_KEYS.labels


def _is_ours(key: str) -> bool:
    return key.startswith(labels.PREFIX)
