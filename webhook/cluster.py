"""The webhook's ties to a cluster: namespace labels by a watch, the gate to running pods with its recorder, upkeep.

In: the server's settings, the policies. Out: what the app asks (`answers`), what each worker begins after its fork
(`start`), and what the process of the probes does beside (`upkeep`). Called by `webhook.serve`. Without a kubeconfig
and outside a pod with a ServiceAccount there is no cluster.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from webhook import apiserver, app, gate, metrics, namespaces, preview, settings
from webhook.policy import redaction
from webhook.upkeep import chores, expiry, retention, tampering

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


MINUTE, HOUR = 60.0, 3600.0


class Upkeep:
    """What one process of a pod does, whatever the number of workers. Nothing of it runs before `start`."""

    def __init__(self, client: apiserver.Client, server: settings.Server, policies: settings.Policies) -> None:
        self.figures = metrics.Upkeep()
        # A watch of its own: workers come and go, and what they keep is not shared with this process.
        self._namespaces = namespaces.Namespaces(client)
        self._chores = tuple(self._made(client, server, policies))

    def start(self) -> None:
        """In the process of the probes, which ends without a farewell."""
        self._namespaces.start()
        for chore in self._chores:
            chore.start()

    def _made(
        self, client: apiserver.Client, server: settings.Server, policies: settings.Policies
    ) -> Iterator[chores.Chore]:
        look = expiry.Expiry(client, self._namespaces.known, policies.defaults, self.figures, now)
        yield chores.Chore("expiry", MINUTE, look.work, self.figures)
        limits = retention.Limits(server.sessions.keep_days, server.sessions.keep_number)
        keep = retention.Retention(client, limits, self.figures, now)
        yield chores.Chore("retention", HOUR, keep.work, self.figures)
        if server.installed:
            compare = tampering.Tampering(client, Path(server.installed), self.figures)
            yield chores.Chore("tampering", MINUTE, compare.work, self.figures)


class Joined:
    """A cluster that was joined; nothing of it runs before `start`."""

    def __init__(
        self, client: apiserver.Client, rules: gate.Rules, server: settings.Server, policies: settings.Policies
    ) -> None:
        self.host = client.host
        self._namespaces = namespaces.Namespaces(client)
        self._gate = gate.Gate(rules, client)
        self.answers = app.Cluster(self._namespaces.get, self._gate, preview.Preview(client, policies).warnings)
        self.upkeep = Upkeep(client, server, policies)

    def start(self) -> None:
        """In a worker: its metrics, its watch, its recorder."""
        counts = metrics.Cluster()
        self._namespaces.on_count = counts.namespaces
        self._namespaces.start()
        if self._gate.recorder:
            self._gate.recorder.on_count = counts.sessions
            self._gate.recorder.start()

    def stop(self) -> None:
        """When a worker ends: what is queued is written, or told as lost."""
        self._namespaces.stop()
        if self._gate.recorder:
            self._gate.recorder.stop()


def join(server: settings.Server, policies: settings.Policies) -> Joined | None:
    """The cluster of a kubeconfig, else the one around this pod, else none.

    Raises:
        apiserver.Refused: a kubeconfig was named and cannot be used.
    """
    in_pod = bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and TOKEN.is_file()
    if not server.kubeconfig and not in_pod:
        return None
    rules = gate.Rules(
        require_record=server.sessions.require_record,
        exclude_users=frozenset(server.sessions.exclude_users),
        redact=redaction.compiled((*redaction.DEFAULT_PATTERNS, *server.sessions.redact)),
        caller="certificate" if server.tls.client_ca_file else "path" if server.path_file else "unverified",
    )
    return Joined(apiserver.connect(server.kubeconfig or None), rules, server, policies)


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
