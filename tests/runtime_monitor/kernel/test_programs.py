"""All objects together: adopted, replaced, watched over."""

import dataclasses
import os
import secrets
import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runtime_monitor import demands
from runtime_monitor.bpf import build
from runtime_monitor.kernel import machine, open_filter, pins
from runtime_monitor.kernel.calls import TABLE_SIZE, Slot
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.roots import root_of_process
from runtime_monitor.kernel.sensor import BPFFS, Sensor, Settings
from runtime_monitor.kernel.tiers import Tier
from runtime_monitor.selftest import container, entry, stage
from tests import waiting
from tests.kernel import able

pytestmark = pytest.mark.kernel


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A monitor's with pins of its own, which are gone at the end."""
    able.to_load_programs()
    build.build()
    machine.mount_bpffs(BPFFS)
    folder = BPFFS / f"podseal-test-{secrets.token_hex(4)}"
    yield Settings(pinned=folder, tier=Tier.TRACEPOINT, ring_bytes=1 << 20)
    store = pins.Store(folder)
    store.lock()
    store.remove()
    store.close()


def test_what_happens_while_no_sensor_runs_is_told_to_the_next_one(settings: Settings) -> None:
    """The programs stay attached, the ring keeps what they write."""
    with Sensor.open(settings) as first:
        assert first.programs.adopted == 0
    entrypoint = ("/bin/sh", "-c", "echo > /meanwhile; read -r line")
    with container.running(container.Configuration(entrypoint=entrypoint)) as made:
        stage.Stage(made).end()
    with Sensor.open(settings) as second:
        assert second.programs.adopted == second.programs.count
        assert second.waited_bytes
        waiting.until(lambda: "/meanwhile" in [event.fd.name for event in second.poll()], "the write meanwhile")


def test_an_object_that_changed_is_replaced_and_the_maps_stay(settings: Settings, tmp_path: Path) -> None:
    """The others are adopted; what the maps know is kept."""
    objects = shutil.copytree(settings.objects, tmp_path / "objects")
    with (objects / "open.bpf.o").open("ab") as changed:
        changed.write(b"changed")
    with container.running() as made:
        with Sensor.open(settings) as first:
            first.watch_root(root_of_process(made.pid, first.host))
        with Sensor.open(dataclasses.replace(settings, objects=objects)) as second:
            assert second.programs.adopted == second.programs.count - 1
            assert made.device not in second.roots.provisional()
    assert settings.pinned
    assert len(list(settings.pinned.glob("open-*"))) == 1
    assert len(list(settings.pinned.glob("maps-*"))) == 1


def test_a_second_monitor_is_refused_and_disturbs_nothing(settings: Settings) -> None:
    """The first one goes on."""
    with Sensor.open(settings) as first:
        with pytest.raises(KernelError, match="another monitor watches this node"):
            Sensor.open(settings)
        assert first.tampered() == []


def test_removed_pins_and_changed_maps_are_told(settings: Settings) -> None:
    """By name; the programs themselves live as long as this process."""
    with Sensor.open(settings) as sensor:
        slot = struct.pack("I", Slot.OPEN)
        sensor.programs.map("followers", 4, 4).discard(slot)
        switches = sensor.programs.map("switches", 4, TABLE_SIZE)
        switches.put(bytes(4), bytes(TABLE_SIZE))
        assert sensor.tampered() == [
            "calls of the kind open lead to another program or none",
            "other calls are followed up than the rules ask for",
        ]
        assert settings.pinned
        pins._remove(next(settings.pinned.glob("write-*")))
        assert "write.bpf.o: its pins were removed" in sensor.tampered()


def test_without_objects_the_command_is_named(tmp_path: Path) -> None:
    """That builds them."""
    able.to_load_programs()
    with pytest.raises(KernelError, match="run `make setup`"):
        Sensor.open(Settings(objects=tmp_path))


def test_the_next_monitor_tells_the_opens_that_its_own_rules_ask_for(settings: Settings) -> None:
    """The programs are adopted as they are; their maps go by other rules from then on."""
    names = ("/srv/one", "/srv/two")
    rules = [
        open_filter.of({"open": [demands.Clause(paths=frozenset({demands.Path("exact", name)}))]}) for name in names
    ]
    with container.running(container.Configuration(image=dict.fromkeys((*names, "/srv/last"), b""))) as made:
        for opens, asked in zip(rules, names, strict=True):
            with Sensor.open(dataclasses.replace(settings, opens=opens)) as sensor:
                if asked != names[0]:
                    assert sensor.programs.adopted == sensor.programs.count
                assert _told(sensor, made, names) == [asked]
                assert sensor.tampered() == []


def _told(sensor: Sensor, made: container.Container, names: Sequence[str]) -> list[str | None]:
    """Which of these files' opens for reading are told."""

    def play() -> None:
        for name in names:
            os.close(os.open(name, os.O_RDONLY))
        os.close(os.open("/srv/last", os.O_WRONLY))

    pid, found = entry.call(made, play).pid, list[str | None]()

    def ended() -> bool:
        found.extend(event.fd.name for event in sensor.poll(0.1) if event.proc.pid == pid)
        return "/srv/last" in found

    waiting.until(ended, "the last open", 30)
    return [name for name in found if name in names]
