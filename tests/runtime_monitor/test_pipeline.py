"""The whole way of an event where a test speaks for the kernel: order, waiting, forgetting, what reaches the spool."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from runtime_monitor import pipeline, ruling
from runtime_monitor.alerts import Alert
from runtime_monitor.enrich import (
    arrivals,
    bundles,
    containers,
    pods,
    processes,
    roots,
    services,
    sessions,
    users,
    writes,
)
from runtime_monitor.events import Call, Container, Drift, Event, File, Pod, Process, Session
from runtime_monitor.kernel import machine
from runtime_monitor.selftest import container
from tests import waiting
from tests.kernel import able
from tests.runtime_monitor import made


class Kernel:
    """A source of the events that a test gives it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.watched: list[int] = []
        self.forgotten: list[int] = []
        self.ignored: list[int] = []

    def poll(self, timeout_seconds: float = 0) -> list[Event]:
        """What was given since the last time."""
        del timeout_seconds
        given, self.events = self.events, []
        return given

    def watch(self, root: roots.Root) -> None:
        """Remember it."""
        self.watched.append(root.device)

    def forget(self, device: int) -> None:
        """Remember it."""
        self.forgotten.append(device)

    def ignore(self, device: int) -> None:
        """Remember it."""
        self.ignored.append(device)


class Kept:
    """A spool and an observer in memory."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.events: list[Event] = []

    def append(self, new: Iterable[Alert]) -> bool:
        """Keep them; acknowledged at once."""
        del new
        return True

    def seen(self, event: Event) -> None:
        """Every event."""
        self.events.append(event)

    def kept(self, alerts: Sequence[Alert]) -> None:
        """Every alert that was acknowledged."""
        self.alerts.extend(alerts)

    def rules(self) -> list[str]:
        """The rules of the alerts."""
        return [each.rule for each in self.alerts]


class World:
    """A pipeline with a kernel of the test's, whose containers are real."""

    def __init__(self, folder: Path) -> None:
        host = machine.host()
        self.kernel, self.kept, self.folder = Kernel(), Kept(), folder
        proc = roots.Proc(roots.Host(host.root_device, host.mount_namespace, host.pid_namespace))
        self.pods = pods.Pods()
        self.containers = containers.Containers(bundles.Bundles(folder / "none", [folder]), proc, time.time_ns)
        self.arrivals = arrivals.Arrivals([folder])
        stages = pipeline.Stages(
            self.arrivals.take,
            self.containers,
            self.pods,
            processes.Processes(),
            users.Users(),
            writes.Writes(),
            sessions.Sessions(self.pods.get),
            services.Services(),
        )
        self.pipeline = pipeline.Pipeline(self.kernel, stages, ruling.own_rules().judge, self.kept, self.kept)

    def bundle(self, running: container.Container) -> None:
        """What a runtime writes."""
        (self.folder / running.id).mkdir()
        notes = {"io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.sandbox-name": "shop-1",
                 "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-uid": "u-1"}  # fmt: skip
        (self.folder / running.id / "config.json").write_text(json.dumps({"annotations": notes}))

    def happens(self, *events: Event) -> int:
        """These events come out of the ring, and are taken as far as they go; gives how many came through so far."""
        self.kernel.events.extend(events)
        self.pipeline.step(0)
        return len(self.kept.events)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A pipeline that knows no container yet."""
    able.to_make_containers()
    made_up = World(tmp_path)
    made_up.arrivals.start()
    yield made_up
    made_up.arrivals.stop()
    made_up.containers.close()


def raw(event: Event, running: container.Container) -> Event:
    """An event as the kernel tells it: with a root, without a name."""
    proc = msgspec.structs.replace(event.proc, pid=running.pid)
    fd = msgspec.structs.replace(event.fd, root=running.device)
    evt = msgspec.structs.replace(event.evt, time=time.time_ns())
    return msgspec.structs.replace(event, evt=evt, fd=fd, proc=proc, container=Container(), pod=Pod())


def test_a_known_containers_event_is_an_alert_at_once(world: World) -> None:
    """With pod and container, the session's kind, and the user by the container's own passwd."""
    with container.running() as running:
        world.bundle(running)
        world.pipeline.scan()
        assert running.device in world.kernel.watched
        world.happens(raw(made.entered("sh", tty=True), running))
    assert world.kept.rules() == ["Interactive shell in a container"]
    fields = world.kept.alerts[0].output_fields
    assert (fields["k8s.pod.name"], fields["container.name"], fields["exec.kind"]) == ("shop-1", "web", "exec")


def test_a_container_is_known_before_it_runs(world: World) -> None:
    """By what containerd writes as it makes one: its first event need not wait, even if its process has ended."""
    with container.running() as running:
        world.bundle(running)
        aside = world.folder / running.id / ".init.pid"
        aside.write_text(str(running.pid))
        aside.rename(aside.with_name("init.pid"))
        waiting.until(lambda: (world.happens(), world.kernel.watched)[1], "the arrival")
        event = raw(made.entered("ls"), running)
        world.happens(msgspec.structs.replace(event, proc=msgspec.structs.replace(event.proc, pid=2**22 + 1)))
    assert world.kept.alerts[0].output_fields["k8s.pod.name"] == "shop-1"


def test_an_event_waits_for_its_bundle(world: World) -> None:
    """And those behind it; then both go on, in order, and the kernel is told of the root."""
    with container.running() as running:
        world.happens(raw(made.entered("ls"), running), raw(made.written("/etc/x"), running))
        assert world.kept.rules() == []
        assert world.pipeline.waiting.counts.length == 2
        world.bundle(running)
        waiting.until(world.happens, "the next look")
        assert world.kernel.watched == [running.device]
    assert [each.evt.type for each in world.kept.events] == ["execve", "openat"]
    assert len(world.kept.alerts) == 2


def test_what_waited_in_vain_says_so(world: World) -> None:
    """No bundle ever comes: the event is told without a name, and marked."""
    with container.running() as running:
        world.happens(raw(made.entered("ls"), running))
        waiting.until(world.happens, "the end of the patience")
    (alert,) = world.kept.alerts
    assert [each.pod.pending for each in world.kept.events] == [True]
    assert alert.output_fields["container.id"] == running.id[:12]
    assert alert.output_fields["container.name"] is None
    assert world.pipeline.waiting.counts.late == 1


def test_an_event_waits_for_its_pod_while_the_api_server_is_heard(world: World) -> None:
    """Then it goes on, pending; without a sign of the API server it does not wait at all."""
    with container.running() as running:
        world.bundle(running)
        world.pipeline.scan()
        world.pods.heard()
        world.happens(raw(made.entered("ls"), running))
        assert world.kept.rules() == []
        world.pods.failed()
        waiting.until(world.happens, "the event")
    assert world.kept.alerts[0].output_fields["k8s.pod.name"] == "shop-1"


def test_kubectl_cp_is_one_alert(world: World) -> None:
    """Test -d, tar, its writes and its end."""
    with container.running() as running:
        world.bundle(running)
        world.pipeline.scan()
        other = f"{made.NODE}/{made.BOOT}/99/4"
        copy = [
            made.entered("test", "-d", "/srv", id=other),
            made.event("procexit", session=Session(id=other)),
            made.entered("tar", "-xmf", "-", "-C", "/srv", stdin="pipe"),
            made.written("/srv/a"),
            made.written("/srv/b"),
        ]
        world.happens(*(raw(each, running) for each in copy))
        assert world.kept.rules() == []
        end = raw(made.ended(), running)
        world.happens(end)
    assert world.kept.rules() == ["File copied into a container"]
    assert world.kept.alerts[0].output_fields["cp.paths"] == ["/srv/a", "/srv/b"]


def test_a_root_that_is_no_containers_is_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is told, and its events are dropped and counted."""
    monkeypatch.setattr(roots.Proc, "containers", lambda _self, _pid: ())
    with container.running() as running:
        world.happens(raw(made.written("/etc/x"), running))
        assert world.kernel.ignored == [running.device]
    assert world.kept.events == []
    assert world.pipeline.waiting.counts.dropped == 1


def test_an_ended_containers_root_is_forgotten(world: World) -> None:
    """Its device number may be another container's soon."""
    with container.running() as running:
        world.bundle(running)
        world.pipeline.scan()
        device = running.device
    waiting.until(lambda: (world.happens(), world.kernel.forgotten)[1], "the end")
    assert world.kernel.forgotten == [device]


def test_the_hosts_events_are_the_hosts(world: World) -> None:
    """An event without a container's root goes on at once."""
    world.happens(Event(evt=Call(type="bpf", time=1), proc=Process(pid=1, start=1), fd=File(), drift=Drift()))
    assert [each.container.id for each in world.kept.events] == ["host"]


def test_an_alert_that_was_not_acknowledged_is_not_counted_as_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its latency would be a lie."""
    monkeypatch.setattr(world.kept, "append", lambda _new: False)
    with container.running() as running:
        world.bundle(running)
        world.pipeline.scan()
        world.happens(raw(made.written("/etc/x"), running))
    assert world.pipeline.counts.alerts == 1
    assert world.kept.alerts == []
