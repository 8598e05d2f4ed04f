"""The pods of this node, from the API server: a list and a watch that name the node, and nothing of other nodes.

In: a client and the node's name. Out: an Event with labels, service account and image digest; the facts that
`enrich.sessions` asks for. Called by the pipeline; the watch has a thread of its own and replaces whole frozen values.
Without an API server the bundle's names remain, and events say `k8s.pending`.
"""

import logging
import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from runtime_monitor.enrich import pod_spec
from runtime_monitor.events import Event, Pod
from webhook import apiserver, watch

PATH = "/api/v1/pods"
log = logging.getLogger("podseal.pods")
MOST_GONE = 256
"""Deleted pods that are remembered: their last events may come after the API server's word."""


class Counts(Struct):
    """What happened, for the metrics: each only rises, but `known`."""

    known: int = 0
    lists: int = 0
    failures: int = 0


class Pods:
    """What is known of this node's pods."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = Counts()
        self._clock = clock
        self._heard = float("-inf")
        self._is_awaited = False
        self._known: dict[str, pod_spec.Facts] = {}
        self._gone: dict[str, pod_spec.Facts] = {}
        self._watch: watch.Watch[pod_spec.PodObject] | None = None

    def start(self, client: apiserver.Client, node: str) -> None:
        """Begin to follow the pods of a node, in a thread of its own."""
        resource = watch.Resource(PATH, {"fieldSelector": f"spec.nodeName={node}"})
        self._watch = watch.Watch(client, resource, pod_spec.PodObject, self)
        self._watch.start()

    def expect(self) -> None:
        """A connection is on its way: its first list is worth waiting for."""
        self._is_awaited = True

    def connect(self, kubeconfig: str | None, node: str) -> None:
        """Begin, with the cluster that is configured; without one a line of the log says what is missed for it."""
        try:
            self.start(apiserver.connect(kubeconfig), node)
        except apiserver.Refused as refused:
            self._is_awaited = False
            log.warning("no labels, probes or ephemeral containers are known: %s", refused)

    def stop(self) -> None:
        """End the watch at its next line."""
        if self._watch is not None:
            self._watch.stop()

    @property
    def is_fresh(self) -> bool:
        """Whether the API server has been heard of lately: only then is a pod worth waiting for."""
        return self._clock() - self._heard < watch.SILENCE

    def get(self, uid: str | None) -> pod_spec.Facts | None:
        """What is known of a pod, by any of its uids."""
        if uid is None:
            return None
        return self._known.get(uid) or self._gone.get(uid)

    def has(self, uid: str | None) -> bool:
        """Whether nothing more of a pod is to be waited for: it is known, there is none, or nobody tells of it."""
        return uid is None or not (self.is_fresh or self._is_awaited) or self.get(uid) is not None

    def __call__(self, event: Event) -> Event:
        """The event with what the API server says of its pod; `pending` where that has not come."""
        pod = event.pod
        if pod.uid is None:
            return event
        facts = self.get(pod.uid)
        if facts is None:
            if self._watch is None:
                return event
            return msgspec.structs.replace(event, pod=msgspec.structs.replace(pod, pending=True))
        container = event.container
        digest = facts.digests.get(container.name or "")
        if digest is not None:
            container = msgspec.structs.replace(container, image_digest=digest)
        # The runtime's names stay: the API server's pod of the same uid has the same ones.
        known = Pod(
            name=pod.name,
            namespace=pod.namespace,
            uid=pod.uid,
            labels=facts.labels,
            service_account=facts.service_account,
            node=facts.node,
        )
        return msgspec.structs.replace(event, pod=known, container=container)

    def listed(self, objects: Sequence[pod_spec.PodObject]) -> None:
        """The pods of now."""
        known: dict[str, pod_spec.Facts] = {}
        for each in objects:
            facts = pod_spec.facts(each)
            known |= dict.fromkeys(facts.uids, facts)
        self._known = known
        self._is_awaited = False
        self.counts.lists += 1
        self._count()

    def changed(self, changed: pod_spec.PodObject) -> None:
        """A pod is new or changed."""
        facts = pod_spec.facts(changed)
        self._known |= dict.fromkeys(facts.uids, facts)
        self._count()

    def deleted(self, deleted: pod_spec.PodObject) -> None:
        """A pod is gone; it is remembered for a while."""
        for uid in pod_spec.facts(deleted).uids:
            facts = self._known.pop(uid, None)
            if facts is not None:
                self._gone[uid] = facts
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        self._count()

    def heard(self) -> None:
        """The watch lives."""
        self._heard = self._clock()

    def failed(self) -> None:
        """The watch broke; what is known stays until the next list, but a new pod is not waited for."""
        self._heard = float("-inf")
        self._is_awaited = False
        self.counts.failures += 1

    def _count(self) -> None:
        self.counts.known = len(self._known)
