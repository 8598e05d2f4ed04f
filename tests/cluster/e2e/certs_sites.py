"""An installation of podseal-certs for tests: rights, webhook configurations, a webhook, load, the loop as a process.

The ServiceAccount has the rights of the chart's Role and ClusterRole and no others. The webhook guards the creation of
ConfigMaps in the test's namespace; its server gives each connection the next of the certificates that may be served.
Called by test_certs.
"""

import base64
import collections.abc
import contextlib
import dataclasses
import json
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any, Self

from click import testing

from certs import cli, errors, layout, model, pem
from certs.cluster import api
from tests.certs.cluster import hooks as hooks_
from tests.cluster import beds, waiting

SECRET = "podseal-tls"  # noqa: S105 - a name
LEASE = "podseal-certs"
RULE = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["configmaps"],
    "scope": "Namespaced",
}
SETTLE = ("--settle", "3s")
"""Time for the API server to see a webhook configuration; nothing tells when it has."""
_CERTS = (sys.executable, "-c", "from certs import cli; cli.main()")


@dataclasses.dataclass(frozen=True)
class Site:
    """One installation in the test's namespace."""

    bed: beds.Bed
    namespace: str
    kubeconfig: pathlib.Path
    hooks: hooks_.Hooks

    @property
    def name(self) -> str:
        """Of both webhook configurations, which are the cluster's and so need a name of their own."""
        return f"podseal-{self.namespace}"

    @property
    def _where(self) -> list[str]:
        return ["--secret", SECRET, "--namespace", self.namespace, "--webhook-configuration", self.name]

    def process(self, command: str, *more: str) -> "subprocess.Popen[str]":
        """Start podseal-certs on this installation as a process of its own."""
        argv = [*_CERTS, command, *self._where, "--kubeconfig", str(self.kubeconfig), *more]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def withdraw(self) -> None:
        """End the registration, as an uninstallation does."""
        where = ["--webhook-configuration", self.name, "--kubeconfig", str(self.kubeconfig)]
        done = testing.CliRunner().invoke(cli.main, ["withdraw", *where, "--settle", "0s"], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    def certs(self, command: str, *more: str, user: str = "") -> testing.Result:
        """Run podseal-certs on this installation, as its ServiceAccount or as one of users.PEOPLE."""
        kubeconfig = self.bed.layout.kubeconfig_of(user) if user else self.kubeconfig
        arguments = [command, *self._where, "--kubeconfig", str(kubeconfig), *more]
        return testing.CliRunner().invoke(cli.main, arguments, catch_exceptions=False)

    def run_once(self) -> None:
        """One pass, which must succeed."""
        done = self.certs("run", "--once", "--ip", "127.0.0.1", *SETTLE)
        assert done.exit_code == 0, done.stderr

    def items(self) -> dict[str, bytes]:
        """What the Secret holds; nothing where there is none."""
        found = self.bed.kubectl("admin", "get", "secret", SECRET, "-n", self.namespace, "-o", "json")
        data = json.loads(found.stdout).get("data", {}) if found.returncode == 0 else {}
        return {name: base64.b64decode(content) for name, content in data.items()}

    def state(self) -> model.State:
        """The Secret's content."""
        return layout.decode(self.items()).state

    def pair(self) -> tuple[bytes, bytes]:
        """The serving certificate and its key."""
        items = self.items()
        return items["tls.crt"], items["tls.key"]

    def configuration(self, kind: str = "validating") -> dict[str, Any]:
        """A webhook configuration, with the record of who set what."""
        found: dict[str, Any] = json.loads(
            self.bed.admin("get", f"{kind}webhookconfiguration", self.name, "-o", "json", "--show-managed-fields")
        )
        return found

    def bundles(self) -> list[set[str]]:
        """The fingerprints in each caBundle of both configurations."""
        return [
            {one.fingerprint for one in pem.certificates(base64.b64decode(text))} if text else set()
            for kind in ("validating", "mutating")
            for webhook in self.configuration(kind)["webhooks"]
            for text in [webhook["clientConfig"].get("caBundle")]
        ]

    def published(self) -> bool:
        """Whether every caBundle holds what ca.crt does."""
        trust = {one.fingerprint for one in self.state().trust}
        return bool(trust) and all(bundle == trust for bundle in self.bundles())

    def manifest(self, kind: str = "Validating", names: tuple[str, ...] = ("a", "b"), **fields: Any) -> str:  # noqa: ANN401 - of any type
        """A configuration as a GitOps tool has it.

        Args:
            kind: Validating or Mutating.
            names: of the webhooks.
            fields: `client` goes into each clientConfig, `annotations` into the metadata; `rules=False`: none.
        """
        webhooks = [
            {
                "name": f"{name}.podseal.dev",
                "clientConfig": {"url": self.hooks.url},
                "rules": [RULE],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 5,
            }
            for name in names
        ]
        for webhook in webhooks:
            webhook["clientConfig"] = {"url": self.hooks.url} | fields.get("client", {})
            if not fields.get("rules", True):
                del webhook["rules"]
        return json.dumps(
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": f"{kind}WebhookConfiguration",
                "metadata": {"name": self.name, "annotations": fields.get("annotations", {})},
                "webhooks": webhooks,
            }
        )

    def apply(self, manifest: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Apply as a GitOps tool does: server-side."""
        arguments = ("apply", "--server-side", "--field-manager=gitops", "-f", "-", *more)
        return self.bed.kubectl("admin", *arguments, stdin=manifest)

    def created(self) -> subprocess.CompletedProcess[str]:
        """Create a ConfigMap, which the webhook is asked about."""
        arguments = ("create", "-f", "-", "-n", self.namespace)
        content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "guarded-"}}
        return self.bed.kubectl("dev", *arguments, stdin=json.dumps(content))


def rights(namespace: str, name: str) -> dict[str, Any]:
    """The ServiceAccount of podseal-certs, and the chart's rules for it."""
    account = {"kind": "ServiceAccount", "name": "podseal-certs", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    local = [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET], "verbs": ["get", "patch", "create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["podseal-certs"],
            "verbs": ["get", "patch", "create"],
        },
    ]
    kinds = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]
    cluster = [
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": kinds,
            "resourceNames": [name],
            "verbs": ["get", "patch"],
        }
    ]
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "podseal-certs", "namespace": namespace}}
    ]
    for prefix, rules, metadata in (
        ("", local, {"name": "podseal-certs", "namespace": namespace}),
        ("Cluster", cluster, {"name": name}),
    ):
        role = {"apiVersion": f"{group}/v1", "kind": f"{prefix}Role", "metadata": metadata, "rules": rules}
        reference = {"apiGroup": group, "kind": f"{prefix}Role", "name": metadata["name"]}
        binding = {"kind": f"{prefix}RoleBinding", "roleRef": reference, "subjects": [account]}
        objects += [role, {"apiVersion": f"{group}/v1", "metadata": metadata} | binding]
    return {"apiVersion": "v1", "kind": "List", "items": objects}


class Load:
    """ConfigMaps created one after the other, each through the webhooks, until it is left."""

    def __init__(self, site: Site) -> None:
        self._server = api.connect(str(site.bed.layout.kubeconfig_of("admin")))
        self._address = api.Address("", "configmaps", "ConfigMap", "", site.namespace)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            address = dataclasses.replace(self._address, name=f"load-{self.sent}")
            self.sent += 1
            try:
                self._server.ensure(address)
            except errors.CertsError as error:
                self.failures.append(str(error))

    def more(self, count: int = 20) -> None:
        """Wait for some more requests."""
        until = self.sent + count
        waiting.until(lambda: self.sent >= until, f"{count} requests", seconds=60.0)


class Loop:
    """`podseal-certs run` as a process with a Lease and an interval of a second, and what it says."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._process = site.process("run", "--ip", "127.0.0.1", "--interval", "1s", "--lease", LEASE, *SETTLE)
        self._lines: list[str] = []
        self._read = 0
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def _collect(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(json.loads(line)["message"])

    def until_it_says(self, message: str) -> None:
        """Wait for a line after those that were waited for before."""

        def said() -> bool:
            if message in self._lines[self._read :]:
                self._read = self._lines.index(message, self._read) + 1
                return True
            assert self._process.poll() is None, f"ended after {self._lines}"
            return False

        waiting.until(said, f"{message!r} after {self._lines}", seconds=60.0)

    def passes(self, count: int) -> None:
        """Let the loop go around some times: the Lease is renewed at the beginning of each pass."""
        for _ in range(count):
            waiting.until(_change_of(lambda: self.lease("renewTime")), "a pass", seconds=60.0)

    def lease(self, field: str) -> str:
        """A field of the Lease."""
        path = f"--output=jsonpath={{.spec.{field}}}"
        return self._site.bed.admin("get", "lease", LEASE, "-n", self._site.namespace, path)

    def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self._process.send_signal(number)
        code = self._process.wait(timeout=60)
        self._thread.join()
        with self._process:  # closes its pipes
            return code


def _change_of(value: collections.abc.Callable[[], str]) -> collections.abc.Callable[[], bool]:
    before = value()
    return lambda: value() != before


@contextlib.contextmanager
def looping(site: Site) -> collections.abc.Iterator[Loop]:
    """A loop that ends well by SIGTERM."""
    loop = Loop(site)
    try:
        yield loop
    finally:
        code = loop.end(signal.SIGTERM)
    assert code == 0


@contextlib.contextmanager
def installed(bed: beds.Bed, namespace: str, folder: pathlib.Path) -> collections.abc.Iterator[Site]:
    """An installation before its first pass."""
    name = f"podseal-{namespace}"
    bed.apply(rights(namespace, name))
    token = bed.admin("create", "token", "podseal-certs", "-n", namespace).strip()
    config = json.loads(bed.admin("config", "view", "--raw", "-o", "json"))
    config["users"][0]["user"] = {"token": token}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    with hooks_.running(folder) as hooks:
        site = Site(bed, namespace, kubeconfig, hooks)
        for kind, names in (("Validating", ("a", "b")), ("Mutating", ("a",))):
            assert site.apply(site.manifest(kind, names=names)).returncode == 0
        yield site
    for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration", "clusterrole", "clusterrolebinding"):
        bed.admin("delete", kind, name, "--ignore-not-found", "--wait=false")
