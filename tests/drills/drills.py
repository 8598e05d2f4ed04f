"""The drills: something happens to podseal or around it while pods are created, and none may be lost.

In: a `Stage`. Out: an `Outcome`. `DRILLS` names them in the order in which they run; `python -m tests.drills` prints
them as a table, tests/cluster/e2e/test_drills.py runs a short form of each. What a drill permits to be lost stands in
its docstring; all else makes `lost` true.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.cluster import beds, node, waiting
from tests.cluster.e2e import installation, objects
from tests.drills import flood, load

WARM = 20
"""Creations that have passed before something happens, and after it."""
SETTLE = ("--settle", "1s")
CALL_FAILED = 'failed calling webhook "pods.podseal.dev"'
OVERLOADED = "podseal is overloaded"
UNREPAIRED = "[writable-root-filesystem]"
"""What is said of a pod whose call of /mutate failed: that webhook may fail open, the other one judges."""


@dataclass(frozen=True)
class Stage:
    """Where a drill runs: `rounds` is how often its event happens, `idle` the gaps in seconds of the drill of gaps."""

    podseal: installation.Installation
    namespace: str
    rounds: int
    idle: tuple[float, ...]

    @property
    def bed(self) -> beds.Bed:
        """The cluster."""
        return self.podseal.bed


@dataclass(frozen=True)
class Outcome:
    """What came of a drill: `lost` says what the issue does not permit, empty where nothing is."""

    sent: int
    failed: int
    gap: float
    lost: str = ""
    note: str = ""


Event = Callable[[int], None]


def under_load(stage: Stage, event: Event) -> Outcome:
    """Let an event happen some times under a steady load; not one creation may fail."""
    with load.steady(stage.bed, stage.namespace) as running:
        for number in range(stage.rounds):
            _warm(running)
            event(number)
        _warm(running)
    return _outcome(running.samples, [each for each in running.samples if not each.passed])


def _warm(running: load.Load) -> None:
    since = time.monotonic()
    waiting.until(lambda: running.passed_since(since) >= WARM, "pods to be created", 120)


def _outcome(samples: Sequence[load.Sample], lost: Sequence[load.Sample], note: str = "") -> Outcome:
    failed = sum(not each.passed for each in samples)
    reason = f"{len(lost)} lost, the first: {lost[0].error}" if lost else ""
    return Outcome(len(samples), failed, load.longest_gap(list(samples)), reason, note)


def rotate_leaf(stage: Stage) -> Outcome:
    """A new serving certificate. Nothing may be lost, on kept connections and on new ones."""

    def event(number: int) -> None:
        stage.podseal.certs("rotate")
        _connect_anew(stage, stage.podseal.trust + b"\n" * (number + 1))

    return under_load(stage, event)


def rotate_authority(stage: Stage) -> Outcome:
    """A change of the authority: both in the caBundle, then the new one signs, then the old one goes. Nothing lost."""

    def next_step() -> None:
        waiting.until(lambda: stage.podseal.tries_certs("rotate", "--ca", *SETTLE), "the next step of the rotation")

    def event(_number: int) -> None:
        next_step()
        published = stage.podseal.trust
        stage.podseal.register(published)
        next_step()
        # Verified by what was published before the new authority had signed anything.
        _connect_anew(stage, published + b"\n")
        next_step()
        _connect_anew(stage, stage.podseal.trust)

    return under_load(stage, event)


def _connect_anew(stage: Stage, trust: bytes) -> None:
    """Give the API server another caBundle, if only by a line break: it leaves its connections and makes new ones."""
    before = stage.podseal.entrance.accepted
    stage.podseal.register(trust)
    waiting.until(lambda: stage.podseal.entrance.accepted > before, "a new connection of the API server")


def restart_rolling(stage: Stage) -> Outcome:
    """Each replica is replaced, a new one ready before the old one goes. Nothing may be lost."""

    def event(_number: int) -> None:
        for replica in tuple(stage.podseal.replicas):
            stage.podseal.add_replica()
            stage.podseal.retire(replica)

    return under_load(stage, event)


def leave(stage: Stage) -> Outcome:
    """A replica leaves, the other one serves alone, another one comes. Nothing may be lost."""

    def event(_number: int) -> None:
        stage.podseal.retire(stage.podseal.replicas[0])
        stage.podseal.add_replica()

    return under_load(stage, event)


def idle_gaps(stage: Stage) -> Outcome:
    """Creations with pauses in between, around the time after which the API server closes idle connections.

    Nothing may be lost, and no replica may be the one that closes: then a request could be under way.
    """
    samples = []
    with load.steady(stage.bed, stage.namespace) as running:
        _warm(running)
    before = stage.podseal.entrance.ended_by_backend
    for gap in stage.idle:
        # The passing of time is the event here.
        time.sleep(gap)
        # The API server ends idle connections of its own clients as well: each gap has a new one.
        with contextlib.closing(load.Client(stage.bed)) as client:
            samples += [client.create(stage.namespace, load.repaired_pod()) for _ in range(3)]
    closed = stage.podseal.entrance.ended_by_backend - before
    every = [*running.samples, *samples]
    slowest = max(each.ended - each.began for each in samples)
    pauses = ", ".join(f"{gap:g}" for gap in stage.idle)
    note = f"pauses of {pauses} s; the slowest creation after one took {slowest:.2f} s"
    found = _outcome(every, [each for each in every if not each.passed], note)
    if closed and not found.lost:
        return replace(found, lost=f"replicas closed {closed} idle connections")
    return found


def kill_worker(stage: Stage) -> Outcome:
    """SIGKILL to a worker: what it was about to answer may fail, with a clear message; nothing that began later."""

    def event(number: int) -> Callable[[], None]:
        replica = stage.podseal.replicas[number % len(stage.podseal.replicas)]
        before = replica.server.workers()
        replica.kill_worker()

        def restored() -> None:
            waiting.until(lambda: replica.server.workers() - before and replica.server.is_ready(), "a new worker")

        return restored

    return _killing(stage, event)


def kill_replica(stage: Stage) -> Outcome:
    """SIGKILL to a whole replica: as for a worker."""

    def event(_number: int) -> Callable[[], None]:
        replica = stage.podseal.replicas[0]
        replica.kill()

        def restored() -> None:
            stage.podseal.forget(replica)
            stage.podseal.add_replica()

        return restored

    return _killing(stage, event)


def _killing(stage: Stage, kill: Callable[[int], Callable[[], None]]) -> Outcome:
    """Let something be killed under load; `kill` returns how to repair it."""
    kills = []
    with load.steady(stage.bed, stage.namespace) as running:
        for number in range(stage.rounds):
            _warm(running)
            began = time.monotonic()
            restore = kill(number)
            stage.podseal.entrance.catch_up()
            kills.append((began, time.monotonic()))
            _warm(running)
            restore()
        _warm(running)

    def permitted(sample: load.Sample) -> bool:
        in_flight = any(sample.began < ended and sample.ended > began for began, ended in kills)
        return sample.passed or (in_flight and (CALL_FAILED in sample.error or UNREPAIRED in sample.error))

    lost = [each for each in running.samples if not permitted(each)]
    return _outcome(running.samples, lost, f"{len(kills)} killed")


def restart_api_server(stage: Stage) -> Outcome:
    """The API server restarts: creations fail while it is away; podseal answers its first review after it."""

    def event(_number: int) -> None:
        stage.bed.stop_api_server()
        stage.bed.start_api_server()

    with load.steady(stage.bed, stage.namespace) as running:
        for number in range(stage.rounds):
            _warm(running)
            event(number)
        _warm(running)
    lost = [each for each in running.samples if not each.passed and not each.unreachable]
    return _outcome(running.samples, lost, "all failures: the API server itself was away")


def overload(stage: Stage) -> Outcome:
    """Podseal is flooded with expensive reviews while pods are created.

    Each creation is answered by podseal itself: it passes, or is turned away in words before the API server gives up.
    Once the flood ends, nothing is refused.
    """
    pod = objects.sealed("unused") | {"metadata": {"generateName": "load-"}}
    with load.steady(stage.bed, stage.namespace, pod=pod) as running:
        _warm(running)
        before = flood.turned_away(stage.podseal)
        with flood.flood(stage.podseal):
            waiting.until(lambda: flood.turned_away(stage.podseal) > before, "podseal to be overloaded", 60)
            sent = len(running.samples)
            waiting.until(lambda: len(running.samples) >= sent + stage.rounds * WARM, "answers under overload", 120)
        _warm(running)
        calm = time.monotonic()
        _warm(running)
        refused_in_all = flood.turned_away(stage.podseal) - before
    lost = [each for each in running.samples if not each.passed and (OVERLOADED not in each.error or each.began > calm)]
    refused = sum(not each.passed for each in running.samples)
    return _outcome(running.samples, lost, f"{refused_in_all} turned away, {refused} of them creations")


def wholly_gone(stage: Stage) -> Outcome:
    """No replica is left. Other pods are refused with a clear message; a node starts, and with it system pods.

    Pods of system namespaces and of podseal's own run; pods that are there can be changed and deleted. Once a replica
    is back, the next creation passes.
    """
    bed, names = stage.bed, ("kube-system", installation.OWN_NAMESPACE)
    said = objects.create(bed, stage.namespace, objects.sealed("before", schedulerName="nobody"), user="admin")
    gone = list(stage.podseal.replicas)
    for replica in gone:
        replica.kill()
    client = load.Client(bed)
    refused = client.create(stage.namespace, load.repaired_pod())
    bed.stop_program(node.KUBELET)
    bed.start_program(node.KUBELET)
    problems = [] if CALL_FAILED in refused.error else [f"an ordinary pod: {refused.error or 'was let in'}"]
    problems += [said.stderr] if said.returncode else []
    for name in names:
        problems += _system_pod(bed, name)
    for arguments in (("label", "pod/before", "a=b"), ("delete", "pod/before", "--timeout=30s")):
        changed = bed.kubectl("admin", *arguments, "--namespace", stage.namespace)
        problems += [changed.stderr] if changed.returncode else []
    for replica in gone:
        stage.podseal.forget(replica)
        stage.podseal.add_replica()
    back = client.create(stage.namespace, load.repaired_pod())
    client.close()
    problems += [] if back.passed else [f"the first pod after it: {back.error}"]
    samples = [refused, back]
    return Outcome(len(samples), 1, back.ended - refused.began, "; ".join(problems), "one refused, as it must be")


def _system_pod(bed: beds.Bed, namespace: str) -> list[str]:
    """Start a pod as a network plugin is, and say what went wrong."""
    pod = objects.with_context("drill", privileged=True)
    pod["spec"]["hostNetwork"] = True
    said = objects.create(bed, namespace, pod, user="admin")
    ready = bed.kubectl(
        "admin", "wait", "--for=condition=Ready", "pod/drill", "--namespace", namespace, "--timeout=60s", seconds=90
    )
    bed.kubectl("admin", "delete", "pod/drill", "--namespace", namespace, "--wait=false", "--grace-period=1")
    return [f"{namespace}: {each.stderr.strip()}" for each in (said, ready) if each.returncode]


DRILLS: dict[str, Callable[[Stage], Outcome]] = {
    "leaf rotation": rotate_leaf,
    "authority rotation": rotate_authority,
    "rolling restart": restart_rolling,
    "a replica leaves": leave,
    "idle gaps": idle_gaps,
    "SIGKILL of a worker": kill_worker,
    "SIGKILL of a replica": kill_replica,
    "API server restart": restart_api_server,
    "overload": overload,
    "podseal wholly gone": wholly_gone,
}
