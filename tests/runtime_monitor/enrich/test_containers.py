"""Containers by their roots: found, learned, ended, and never mistaken for the next one with the same number."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime_monitor.enrich import bundles, containers, roots
from runtime_monitor.events import Call, Event, File, Process
from runtime_monitor.selftest import container
from tests import waiting
from tests.kernel import able
from tests.runtime_monitor import made


def bundle(folder: Path, running: container.Container, name: str = "web") -> None:
    """What a runtime would have written for a container."""
    place = folder / running.id
    place.mkdir()
    notes = {"io.kubernetes.cri.container-name": name, "io.kubernetes.cri.sandbox-uid": "u-1"}
    (place / "config.json").write_text(json.dumps({"annotations": notes}))


def event(running: container.Container, *, pid: int | None = None, time_ns: int = 1, mntns: int | None = None) -> Event:
    """Something in a container's root."""
    proc = Process(pid=pid or running.pid, mount_namespace=mntns)
    return made.event(evt=Call(type="openat", time=time_ns), fd=File(root=running.device), proc=proc)


@pytest.fixture
def known(tmp_path: Path, proc: roots.Proc) -> Iterator[containers.Containers]:
    """A registry whose bundles lie in `tmp_path`."""
    source = containers.Containers(bundles.Bundles(tmp_path / "none", [tmp_path]), proc, time.time_ns)
    yield source
    source.close()


def test_a_container_that_runs_is_found(
    known: containers.Containers, running: container.Container, tmp_path: Path
) -> None:
    """By a scan, once; then every event of its root has its name."""
    assert known.find(event(running)) is None
    bundle(tmp_path, running)
    found = [each for each in known.scan() if each.container.full_id == running.id]
    assert [(each.container.name, each.pod.uid, each.root.device) for each in found] == [("web", "u-1", running.device)]
    assert known.scan() == []
    told = known(event(running))
    assert (told.container.name, told.pod.uid) == ("web", "u-1")
    # When its first process has started, which is before this test has got it.
    age = time.time_ns() - (told.container.start or 0)
    assert 0 < age < time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert [each.container.full_id for each in known.running()] == [running.id]


def test_a_container_is_learned_at_its_first_event(
    known: containers.Containers, running: container.Container, tmp_path: Path
) -> None:
    """As soon as the runtime has written its bundle; until then events are pending."""
    assert known.learn(event(running)) is None
    told = known(event(running))
    assert (told.pod.pending, told.container.full_id, told.container.name) == (True, running.id, None)
    bundle(tmp_path, running)
    assert known.learn(event(running)) == known.find(event(running))
    assert known.counts.found == 1


def test_a_container_that_was_gone_too_soon_is_not_the_host(known: containers.Containers) -> None:
    """Nothing could be read of it: no rule must take it for the host."""
    told = known(made.event(fd=File(root=4095), proc=Process(pid=2**22 + 1)))
    assert (told.container, told.pod.pending) == (containers.UNKNOWN, True)


def test_a_write_from_the_host_finds_the_container(
    known: containers.Containers, running: container.Container, tmp_path: Path
) -> None:
    """By the root alone: the writing process is none of the container's."""
    bundle(tmp_path, running)
    found = known.learn(event(running, pid=2**22 + 1))
    assert found is not None
    assert found.container.name == "web"


def test_the_host_is_the_host(known: containers.Containers) -> None:
    """An event without a container's root."""
    assert known(made.event(fd=File())).container.id == "host"


def test_a_root_of_a_service_is_no_containers(
    known: containers.Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: container.Container
) -> None:
    """Processes with a root of their own, in a cgroup that names no container."""
    bundle(tmp_path, running)
    monkeypatch.setattr(roots.Proc, "containers", lambda _self, _pid: ())
    with pytest.raises(containers.Foreign):
        known.learn(event(running))


def test_an_end_is_noticed(known: containers.Containers, tmp_path: Path) -> None:
    """Its root names nobody any more, but for what the ring still held of it."""
    able.to_make_containers()
    with ExitStack() as stack:
        running = stack.enter_context(container.running())
        bundle(tmp_path, running)
        found = known.learn(event(running))
        assert found is not None
        assert known.ended() == []
        before = event(running, mntns=found.root.mount_namespace)
        other = event(running, mntns=found.root.mount_namespace + 1)
        late = event(running, time_ns=time.time_ns() + 10 * made.SECOND)
    ended: list[containers.Known] = []

    def has_ended() -> bool:
        ended.extend(known.ended())
        return bool(ended)

    waiting.until(has_ended, "the end of the container")
    assert ended == [found]
    assert known.find(before) == found
    assert known.find(other) is None
    assert known.find(late) is None
    assert known.counts.running == 0


def test_an_ended_process_is_not_the_containers_end(known: containers.Containers, tmp_path: Path) -> None:
    """A container that was learned by a process that came in lives on with its first one."""
    able.to_make_containers()
    with container.running() as running:
        bundle(tmp_path, running)
        enter = ["nsenter", f"--target={running.pid}", "--mount", "--root", "--pid", "--", "sh", "-c", "read -r x"]
        with subprocess.Popen(enter, stdin=subprocess.PIPE) as entered:
            waiting.until(lambda: _root_device(entered.pid) == running.device, "the process inside")
            known._enter(entered.pid, known._proc.containers(running.pid))
            entered.communicate(b"\n")
        waiting.until(lambda: not Path(f"/proc/{entered.pid}").exists(), "its end")
        assert known.ended() == []
        assert [each.pid for each in known.running()] == [running.pid]


def _root_device(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/root").stat().st_dev
    except OSError:
        return 0
