"""A Kubernetes Event on the pod, for those who look with `kubectl describe pod`.

Settings: `server` (`kubernetes.ApiServer`; by default the pod's own). Only alerts of Warning and above, one for a pod
and a rule in ten minutes, unless `filter` and `deduplicate` say otherwise; alerts that name no pod are passed over.
The event's name comes from the alert's id, so that one sent twice is one.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from runtime_monitor.alerts import Alert, iso_time
from runtime_monitor.feed import kubernetes, output, render
from runtime_monitor.feed.filters import Deduplicate, Filter

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
CREATED, CONFLICT, TOO_MANY, SERVER_ERROR = 201, 409, 429, 500
GONE: Final = frozenset({400, 404, 413, 422})
"""No such namespace any more, or an object that the API server will never take."""
NOTE_BYTES: Final = 1024
"""What core/v1 allows for a message of an event that events.k8s.io can read as well."""


class Settings(
    output.Settings, frozen=True, kw_only=True, tag_field="type", tag="kubernetes_event", forbid_unknown_fields=True
):
    """Events on pods."""

    server: kubernetes.ApiServer = kubernetes.ApiServer()
    filter: Filter = Filter(priority="warning")
    deduplicate: Deduplicate | None = Deduplicate(keys=("k8s.ns.name", "k8s.pod.name", "rule"), seconds=600.0)

    def open(self) -> "KubernetesEvent":
        """The connection is made by the first alert."""
        return KubernetesEvent(kubernetes.Client(self.server))


class KubernetesEvent:
    """Creates Events."""

    batch = 1

    def __init__(self, client: kubernetes.Client) -> None:
        self._client = client

    def send(self, alerts: Sequence[Alert]) -> None:
        """One Event each."""
        for alert in alerts:
            event = of_pod(alert)
            if event is not None:
                self._create(event)

    def close(self) -> None:
        """Connections close with the process."""

    def _create(self, event: dict[str, Any]) -> None:
        namespace = event["metadata"]["namespace"]
        try:
            status, answer = self._client.post(f"/api/v1/namespaces/{namespace}/events", event)
        except kubernetes.ApiServerError as error:
            raise output.UnavailableError(str(error)) from error
        if status in (CREATED, CONFLICT):
            return
        message = f"Event in {namespace}: HTTP {status}: {render.printable(str(answer.get('message', '')))[:300]}"
        if status in GONE:
            raise output.RejectedError(message)
        raise output.UnavailableError(message)


def of_pod(alert: Alert) -> dict[str, Any] | None:
    """The Event of an alert (core/v1), None where it names no pod."""
    fields = alert.output_fields
    namespace, pod = str(fields.get("k8s.ns.name") or ""), str(fields.get("k8s.pod.name") or "")
    if not (NAME.fullmatch(namespace) and NAME.fullmatch(pod)):
        return None
    digest = hashlib.blake2b(alert.id.encode("utf-8", "replace"), digest_size=8).hexdigest()
    moment = f"{iso_time(alert.time)[:19]}Z"
    involved = {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": pod}
    if fields.get("k8s.pod.uid"):
        involved["uid"] = render.printable(str(fields["k8s.pod.uid"]))
    message = f"{alert.rule}: {alert.output}" if alert.rule not in alert.output else alert.output
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pod[:230]}.{digest}", "namespace": namespace},
        "involvedObject": involved,
        "type": "Warning",
        "reason": "PodsealAlert",
        "message": _cut(render.printable(message)),
        "source": {"component": "podseal-feed", "host": render.printable(alert.hostname)},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def _cut(text: str) -> str:
    return text.encode()[:NOTE_BYTES].decode("utf-8", "ignore")
