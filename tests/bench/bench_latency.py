"""What podseal adds to the time of a pod's creation, beside no webhook and beside one that does nothing.

One API server; the systems are told apart by namespace, so that nothing has to propagate between blocks. The null
handler is registered twice, mutating and validating, as podseal is. Where podseal repairs the pod, a null handler that
sends podseal's own patch stands beside the plain one: what the API server spends on a patch (it is applied, the pod is
decoded and defaulted anew, and the whole mutating admission runs a second time) is no cost of podseal's own. Pods are
really created, and deleted out of the measured time; no scheduler looks at them. A further controller takes part where
these variables name it: PODSEAL_BENCH_OTHER_URL (validating), PODSEAL_BENCH_OTHER_MUTATING_URL (optional),
PODSEAL_BENCH_OTHER_CA (PEM file).
"""

import base64
import contextlib
import http
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.cluster import beds, given, manifests, requirements
from tests.cluster.e2e import objects, registration
from tests.drills import load
from tests.manifests import chart
from tests.webhook import pki, serving

CONCURRENCIES = (1, 4, 16)
SAMPLES = int(os.environ.get("PODSEAL_BENCH_SAMPLES", "640"))
SMALLEST_BLOCK, CREATIONS_OF_A_CLIENT = 16, 4
"""A block is short, so that what else the machine does meets all systems alike."""
ENOUGH_FOR_P99 = 5000
"""Samples of each system below which the tail is chance: then it is printed without a goal."""
RESAMPLES = 500
NONE, NULL, PATCHING, PODSEAL, OTHER = "none", "null", "patching", "podseal", "other"
TITLES = {NULL: "null webhook", PATCHING: "null webhook that sends the same patch"}
PREFIX = "bench-"
REPAIRED = manifests.pod("unused", manifests.container(image=manifests.NGINX), schedulerName="nobody")
PODS = {"let pass": objects.sealed("unused", schedulerName="nobody"), "repaired": REPAIRED}

MEDIAN = 0.5
LIMITS = {MEDIAN: 1.25, 0.99: 1.5}
"""Quantile -> how many times as much podseal may add."""
PAIRS = ((PODSEAL, NULL), (PODSEAL, PATCHING), (PATCHING, NULL), (OTHER, NULL), (OTHER, PATCHING))
"""What is compared with what, where both take part."""

Round = dict[str, list[float]]
"""System -> seconds of each creation of one block."""


@dataclass(frozen=True)
class Pair:
    """A system, what it is compared with, and at which quantile."""

    system: str
    baseline: str
    quantile: float


@dataclass(frozen=True)
class Webhooks:
    """Where a system is asked; an empty URL is not registered."""

    validating: str
    mutating: str
    trust: bytes


def main() -> int:
    """Print and store the figures; return the goals missed."""
    try:
        with given.bed() as bed, tempfile.TemporaryDirectory() as folder, _systems(bed, Path(folder)) as systems:
            results = []
            for kind, pod in PODS.items():
                taking_part = [each for each in systems if each != PATCHING or pod is REPAIRED]
                for concurrency in CONCURRENCIES:
                    results += _figures(
                        f"pod {kind}, concurrency {concurrency}", _rounds(bed, taking_part, pod, concurrency)
                    )
        return measure.report("latency", results)
    except requirements.MissingError as error:
        sys.stdout.write(f"latency: not measured, {error}\n")
        return 0


def _figures(title: str, rounds: Sequence[Round]) -> list[measure.Result]:
    samples = sum(len(each[NULL]) for each in rounds)
    found = []
    for system, baseline in PAIRS:
        if system in rounds[0] and baseline in rounds[0]:
            for quantile, limit in LIMITS.items():
                compared = f"{TITLES.get(system, system)} / {TITLES[baseline]}"
                name = f"{compared}, added p{quantile * 100:.0f} of a CREATE, {title}"
                # The goals are podseal's; the others are only shown beside it.
                has_goal = system == PODSEAL and (quantile == MEDIAN or samples >= ENOUGH_FOR_P99)
                goal = measure.Goal(limit) if has_goal else None
                found.append(_added(name, rounds, Pair(system, baseline, quantile), goal))
    return found


def _added(name: str, rounds: Sequence[Round], pair: Pair, goal: measure.Goal | None) -> measure.Result:
    """The ratio of what two systems add to no webhook; its interval from resampled rounds."""
    source = random.Random(0)  # noqa: S311 -- statistics, not secrets
    ratios = sorted(_ratio(source.choices(rounds, k=len(rounds)), pair) for _ in range(RESAMPLES))
    tail = round(RESAMPLES * (1 - measure.CONFIDENCE) / 2)
    systems = (NONE, pair.baseline, pair.system)
    shown = ", ".join(f"{each} {1000 * _quantile(rounds, each, pair.quantile):.2f}" for each in systems)
    return measure.Result(
        name=name,
        value=_ratio(rounds, pair),
        low=ratios[tail],
        high=ratios[-tail - 1],
        unit="x",
        samples=sum(len(each[pair.system]) for each in rounds),
        goal=goal,
        detail=f"ms: {shown}",
    )


def _ratio(rounds: Sequence[Round], pair: Pair) -> float:
    none, null, own = (_quantile(rounds, each, pair.quantile) for each in (NONE, pair.baseline, pair.system))
    return (own - none) / max(null - none, 1e-6)


def _quantile(rounds: Sequence[Round], system: str, quantile: float) -> float:
    pooled = sorted(seconds for each in rounds for seconds in each[system])
    return pooled[int(quantile * (len(pooled) - 1))]


def _rounds(bed: beds.Bed, systems: Sequence[str], pod: dict[str, Any], concurrency: int) -> list[Round]:
    """The blocks of all systems in turn, each round with another one first; the first round is thrown away."""
    body = json.dumps(pod | {"metadata": {"generateName": "bench-"}}).encode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(load.Client(bed))) for _ in range(concurrency)]
        pool = stack.enter_context(ThreadPoolExecutor(concurrency))
        rounds = []
        for number in range(1 + -(-SAMPLES // _block_size(concurrency))):
            first = number % len(systems)
            order = [*systems[first:], *systems[:first]]
            rounds.append({system: _block(pool, clients, system, body) for system in order})
        return rounds[1:]


def _block_size(concurrency: int) -> int:
    return max(SMALLEST_BLOCK, CREATIONS_OF_A_CLIENT * concurrency)


def _block(pool: ThreadPoolExecutor, clients: Sequence[load.Client], system: str, body: bytes) -> list[float]:
    path = f"/api/v1/namespaces/{PREFIX}{system}/pods"

    def create(client: load.Client) -> list[float]:
        seconds = []
        for _ in range(_block_size(len(clients)) // len(clients)):
            sample, _ = client.request("POST", path, body)
            if not sample.passed:
                raise RuntimeError(f"{system}: {sample.error}")
            seconds.append(sample.ended - sample.began)
        return seconds

    measured = [seconds for each in pool.map(create, clients) for seconds in each]
    deleted, _ = clients[0].request("DELETE", path, b'{"gracePeriodSeconds":0}')
    if not deleted.passed:
        raise RuntimeError(f"{system}: {deleted.error}")
    return measured


@contextlib.contextmanager
def _systems(bed: beds.Bed, folder: Path) -> Iterator[list[str]]:
    """Every system serves and is registered for its namespace; their names."""
    authority = pki.issue("bench authority")
    certificates = pki.write(folder / "tls", authority, pki.issue("bench", authority))
    names = [NONE, NULL, PATCHING, PODSEAL, *_other()]
    with contextlib.ExitStack() as stack:
        for name in names:
            bed.create_namespace(PREFIX + name)
            stack.callback(bed.delete_namespace, PREFIX + name)
        podseal = stack.enter_context(serving.serve(certificates, f"--kubeconfig={bed.layout.kubeconfig}"))
        patch = folder / "patch.json"
        patch.write_bytes(_patch(bed, podseal))
        command = [sys.executable, "-m", "tests.bench.null_webhook", str(certificates), str(patch)]
        webhooks = _other()
        nulls = {}
        for name, endpoint in ((NULL, "mutate"), (PATCHING, "repair")):
            # A process each, as podseal has: one that is asked twice as often would be found in the caches.
            nulls[name] = stack.enter_context(serving.run(certificates, command))
            base = f"https://127.0.0.1:{nulls[name].port}"
            webhooks[name] = Webhooks(f"{base}/validate", f"{base}/{endpoint}", authority.pem)
        configurations = _chart(f"127.0.0.1:{podseal.port}", authority.pem)
        configurations += [each for name, said in webhooks.items() for each in _registered(name, said)]
        stack.callback(
            bed.admin,
            "delete",
            "-f",
            "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": configurations}),
        )
        bed.apply({"apiVersion": "v1", "kind": "List", "items": configurations})
        _await(bed, nulls)
        yield names


def _patch(bed: beds.Bed, podseal: serving.Server) -> bytes:
    """What podseal sends for the pod that it repairs, as the API server completes it before it asks."""
    with contextlib.closing(load.Client(bed)) as client:
        body = json.dumps(REPAIRED | {"metadata": {"generateName": "bench-"}}).encode()
        sample, completed = client.request("POST", f"/api/v1/namespaces/{PREFIX}{NONE}/pods?dryRun=All", body)
    if not sample.passed:
        raise RuntimeError(sample.error)
    request = {
        "uid": "bench",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "namespace": PREFIX + PODSEAL,
        "operation": "CREATE",
        "object": json.loads(completed),
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    status, answer = podseal.post("/mutate", json.dumps(review).encode())
    if status != http.HTTPStatus.OK:
        raise RuntimeError(answer.decode())
    return base64.b64decode(json.loads(answer)["response"]["patch"])


def _await(bed: beds.Bed, nulls: Mapping[str, serving.Server]) -> None:
    """Wait until the API server asks all: podseal is known by what it refuses, the others by their connections."""
    hostile = objects.with_context("unused", privileged=True) | {"metadata": {"generateName": "bench-"}}
    deadline = time.monotonic() + 60
    with contextlib.closing(load.Client(bed)) as client:
        while client.create(PREFIX + PODSEAL, hostile).passed or not all(
            _is_asked(client, name, server) for name, server in nulls.items()
        ):
            if time.monotonic() > deadline:
                raise TimeoutError("the API server does not ask the webhooks")


def _is_asked(client: load.Client, name: str, server: serving.Server) -> bool:
    """Whether the API server has a connection to a server: it makes one with the first review."""
    client.create(PREFIX + name, REPAIRED | {"metadata": {"generateName": "bench-"}})
    port = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(port) for row in rows)


def _chart(address: str, trust: bytes) -> list[dict[str, Any]]:
    """Podseal's configurations as the chart has them, for the one namespace; those for other objects are left out."""
    found = registration.by_url(chart.objects(), address, trust)
    for configuration in found:
        asked = [webhook for webhook in configuration["webhooks"] if _is_about_pods(webhook)]
        for webhook in asked:
            webhook["namespaceSelector"]["matchExpressions"].append(_only(PODSEAL))
        configuration["webhooks"] = asked
    return found


def _is_about_pods(webhook: dict[str, Any]) -> bool:
    return any("pods" in rule["resources"] for rule in webhook["rules"])


def _registered(name: str, said: Webhooks) -> list[dict[str, Any]]:
    """A mutating and a validating configuration with one webhook each, for one namespace."""
    urls = {"Validating": said.validating, "Mutating": said.mutating}
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": PREFIX + name},
            "webhooks": [
                {
                    "name": "pods.bench.podseal.dev",
                    "clientConfig": {"url": url, "caBundle": base64.b64encode(said.trust).decode()},
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "timeoutSeconds": 5,
                    # As podseal's: the API server then remembers the pod as the webhook left it.
                    **({"reinvocationPolicy": "IfNeeded"} if kind == "Mutating" else {}),
                    "namespaceSelector": {"matchExpressions": [_only(name)]},
                    "rules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ],
                }
            ],
        }
        for kind, url in urls.items()
        if url
    ]


def _only(name: str) -> dict[str, Any]:
    return {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [PREFIX + name]}


def _other() -> dict[str, Webhooks]:
    """Somebody else's controller, where the environment names one."""
    url = os.environ.get("PODSEAL_BENCH_OTHER_URL")
    if not url:
        return {}
    trust = Path(os.environ["PODSEAL_BENCH_OTHER_CA"]).read_bytes()
    return {OTHER: Webhooks(url, os.environ.get("PODSEAL_BENCH_OTHER_MUTATING_URL", ""), trust)}


if __name__ == "__main__":
    sys.exit(main())
