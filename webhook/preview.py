"""The warnings of /preview-namespace: what other labels would do to the pods that run in a namespace.

In: an UPDATE of a namespace, as the API server asks about it. Out: lines for whoever changes the labels, also in a
server dry-run. Made by `webhook.cluster`, called by the webhook's app. It never refuses, and has bounds: 3,000 pods,
one second, a page in memory at a time, two namespaces at once in each worker.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from webhook import apiserver, review, settings
from webhook.scan import changes, judge, pages, pods

MOST_PODS = 3000
MOST_SECONDS = 1.0
"""Both as in Pod Security admission (k8s.io/pod-security-admission/admission)."""
SHARE = 0.5
"""Of the time that the API server waits."""
AT_ONCE = 2
SHORTEST_WAIT = 0.05


class Bounds(Struct, frozen=True):
    """How much is looked at; `page` pods are in memory at once."""

    pods: int = MOST_PODS
    seconds: float = MOST_SECONDS
    page: int = pages.LIMIT


class Preview:
    """Judges the running pods of a namespace in one cluster. Threads share it."""

    def __init__(
        self,
        client: apiserver.Client,
        policies: settings.Policies,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._policies = policies
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def warnings(self, relabelling: review.Relabelling, now: datetime, seconds: float) -> list[str]:
        """What would change.

        Args:
            relabelling: the namespace, its keys before and after.
            now: aware time, against which waivers expire.
            seconds: how long the API server waits for the answer.
        """
        if not self._places.acquire(blocking=False):
            return [f"podseal previews others now; what would change: podseal scan -n {relabelling.name}"]
        try:
            rules = judge.Rules(self._policies, now)
            found = changes.Changes(relabelling.name, relabelling.before, relabelling.after, rules)
            deadline = self._clock() + min(self._bounds.seconds, seconds * SHARE)
            return found.warnings(self._look(relabelling.name, found, deadline))
        finally:
            self._places.release()

    def _look(self, name: str, found: changes.Changes, deadline: float) -> str:
        """Judge the pods, page by page; return why not all, empty where all were."""
        path = f"/api/v1/namespaces/{name}/pods"
        query = {"limit": str(self._bounds.page)}
        while True:
            left = deadline - self._clock()
            if left <= 0:
                return self._out_of_time()
            try:
                body = self._client.get(path, query, seconds=max(left, SHORTEST_WAIT))
                page = pods.PAGES.decode(body)
            except (apiserver.Refused, msgspec.DecodeError) as error:
                return f"then its list failed: {error}"
            for pod in page.items:
                if found.pods >= self._bounds.pods:
                    return "the most that it looks at"
                if self._clock() >= deadline:
                    return self._out_of_time()
                found.add(pod)
            if not page.metadata.continue_:
                return ""
            query["continue"] = page.metadata.continue_

    def _out_of_time(self) -> str:
        return f"for it takes at most {self._bounds.seconds:g} s"
