"""Ten thousand namespaces in memory, each with a waiver: what a review costs then, and what the server weighs.

Two real servers, one of a cluster with a single namespace without labels, one of a cluster with 10,000, are loaded in
turn by wrk with kept TLS connections. The API server behind both is a scripted one in this process, whose CPU counts
for neither.
"""

import contextlib
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests import waiting
from tests.bench import bench_webhook, measure
from tests.cluster import packages, requirements
from tests.webhook import fake_apiserver, pki, serving
from tests.webhook.test_cluster import kubeconfig
from webhook import app, gate, metrics, settings
from webhook.policy import guard

NAMESPACES = 10_000
WAIVED, PLAIN = "shop-00000", "plain"
LAST_DAY = "2099-12-31"
WAIVER = {"podseal.dev/exempt.privileged": LAST_DAY, "podseal.dev/exempt.host-path": LAST_DAY}
POLICY = "apiVersion: config.podseal.dev/v1alpha1\nkind: Policy\nwaivers: {maxDays: 0}\n"
NOTHING = guard.NamespaceKeys()
REQUESTS, DECISION_BLOCKS = 500, 40
SECONDS_BETWEEN_ENDS = 5.0
CPU_GOAL = measure.Goal(1 / 1.05, at_most=False)
"""Of requests per CPU second: at most 1.05 times the CPU of a request."""


def main() -> int:
    """Print and store the figures; return the goals missed."""
    try:
        packages.ensure({"wrk": "/usr/bin/wrk"})
    except requirements.MissingError as error:
        sys.stdout.write(f"namespaces: not measured: {error}\n")
        return 1
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        few = stack.enter_context(_server(folder / "few", {PLAIN: {}}))
        many = stack.enter_context(_server(folder / "many", dict(_namespaces())))
        script = bench_webhook._script
        clean = {name: script(folder, f"clean-{name}", body("clean", name)) for name in (PLAIN, WAIVED)}
        privileged = {name: script(folder, f"privileged-{name}", body("privileged", name)) for name in (PLAIN, WAIVED)}
        results = [
            *_decisions(),
            _ratio("a clean pod where a waiver is, of 10,000 / a clean pod without", few, many, clean),
            _ratio("a pod that a waiver lets pass, of 10,000 / the same pod denied", few, many, privileged),
            _memory("1 namespace", few, None),
            _memory("10,000 namespaces with waivers", many, measure.Goal(120.0)),
        ]
        return measure.report("namespaces", results)


def body(kind: str, namespace: str) -> bytes:
    """The review of a pod that breaks nothing, or only `privileged` in one container, in a namespace."""
    review = json.loads(bench_webhook.BODIES["clean"])
    review["request"]["namespace"] = review["request"]["object"]["metadata"]["namespace"] = namespace
    if kind == "privileged":
        context = review["request"]["object"]["spec"]["containers"][0]["securityContext"]
        context["privileged"] = True
        # The API server takes no privileged container that forbids escalation, which strict would advise.
        context.pop("allowPrivilegeEscalation", None)
    return bench_webhook._compact(review)


def _decisions() -> list[measure.Result]:
    """The same without a server: TLS and HTTP would hide what the waiver itself costs."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "podseal.yaml").write_text(POLICY)
        policies = settings.policies(Path(name) / "podseal.yaml")
    known = {name: guard.NamespaceKeys(labels) for name, labels in _namespaces()}
    cluster = app.Cluster(lambda name: known.get(name, NOTHING), gate.Gate(gate.Rules()))
    webhook = app.Webhook(policies, metrics.Requests(CollectorRegistry()), lambda: datetime.now(UTC), cluster)

    def block(review: bytes) -> Callable[[], float]:
        def answer() -> None:
            webhook.count(webhook.answer(app.VALIDATE, app.JSON, review))

        return lambda: measure.cpu_seconds(answer, REQUESTS)

    titles = {
        "clean": "a clean pod where a waiver is / a clean pod without",
        "privileged": "a pod that a waiver lets pass / the same pod denied",
    }
    return [
        measure.compare(
            f"{title}, CPU of the decision alone",
            block(body(kind, PLAIN)),
            block(body(kind, WAIVED)),
            goal=measure.Goal(1.05),
            blocks=DECISION_BLOCKS,
        )
        for kind, title in titles.items()
    ]


def _ratio(title: str, few: serving.Server, many: serving.Server, scripts: dict[str, Path]) -> measure.Result:
    baseline, candidate = bench_webhook.Load(few, scripts[PLAIN]), bench_webhook.Load(many, scripts[WAIVED])
    name = f"{title}, requests per CPU second"
    return measure.compare(name, baseline.run, candidate.run, goal=CPU_GOAL, blocks=bench_webhook.BLOCKS)


def _memory(title: str, server: serving.Server, goal: measure.Goal | None) -> measure.Result:
    name = f"PSS of master, 2 workers and probes after that load, {title}"
    return measure.single(name, bench_webhook._pss(server), unit=" MiB", goal=goal)


def _namespaces() -> Iterator[tuple[str, dict[str, str]]]:
    for number in range(NAMESPACES):
        name = f"shop-{number:05}"
        yield name, {"kubernetes.io/metadata.name": name, "team": f"team-{number % 50}", **WAIVER}


@contextlib.contextmanager
def _server(folder: Path, namespaces: dict[str, dict[str, str]]) -> Iterator[serving.Server]:
    """`podseal serve` in a cluster with these namespaces, once every worker knows them all."""
    folder.mkdir()
    (folder / "podseal.yaml").write_text(POLICY)
    authority = pki.issue("bench authority")
    certificates = pki.write(folder / "tls", authority, pki.issue("bench", authority))
    script = fake_apiserver.Script()
    script.namespaces = namespaces
    with fake_apiserver.serve(script) as address, _ending(script):
        options = (f"--kubeconfig={kubeconfig(folder, address)}", f"--config={folder / 'podseal.yaml'}")
        with serving.serve(certificates, *options) as server:
            known = f"podseal_namespaces_known {float(len(namespaces))}"
            waiting.until(lambda: known in server.probe("/metrics")[1], "the namespaces", seconds=60)
            yield server


@contextlib.contextmanager
def _ending(script: fake_apiserver.Script) -> Iterator[None]:
    """The watches end now and then, as those of a real API server do: that the next is taken is a sign of life."""
    over = threading.Event()

    def end() -> None:
        while not over.wait(SECONDS_BETWEEN_ENDS):
            script.watch_lines.put(fake_apiserver.END)

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
