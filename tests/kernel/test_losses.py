"""Losses are accounted for: what does not fit the ring is counted, and seen as a gap in the sequence."""

import collections
import os
import pathlib

import pytest

from runtime_monitor import events
from runtime_monitor.kernel import sensor
from runtime_monitor.selftest import container, entry, stage
from tests.kernel import able

pytestmark = pytest.mark.kernel

SMALL = 1 << 16
FILES = 2000


def _create_many() -> None:
    folder = pathlib.Path(stage.HOME)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        os.close(os.open(folder / f"file-{number}", os.O_CREAT | os.O_WRONLY))


def _all(opened: sensor.Sensor) -> list[events.Event]:
    """Everything that is in the ring now."""
    found: list[events.Event] = []
    while batch := opened.poll(0):
        found += batch
    return found


def test_what_does_not_fit_is_counted_and_leaves_a_gap() -> None:
    """Told and lost are together what happened; each loss is a missing sequence number of its CPU."""
    able.to_load_programs()
    with (
        sensor.Sensor.open(sensor.Settings(ring_bytes=SMALL)) as opened,
        container.running() as made,
    ):
        entry.call(made, _create_many)
        told = _all(opened)
        lost = opened.losses().ring_full
        # An event after the flood on each CPU shows the gap before it.
        for cpu in os.sched_getaffinity(0):
            entry.call(made, lambda: _write_on(cpu))  # noqa: B023 -- called at once
        told += _all(opened)
        assert opened.losses().ring_full == lost
    assert lost > 0
    assert _gaps(told) == lost


def _write_on(cpu: int) -> None:
    os.sched_setaffinity(0, {cpu})
    pathlib.Path(f"{stage.HOME}/last-of-{cpu}").touch()


def _gaps(told: list[events.Event]) -> int:
    """Missing sequence numbers, over all CPUs, from the first event of each."""
    by_cpu: dict[int, list[int]] = collections.defaultdict(list)
    for event in told:
        assert event.evt.cpu is not None
        assert event.evt.sequence is not None
        by_cpu[event.evt.cpu].append(event.evt.sequence)
    return sum(max(numbers) + 1 - len(numbers) for numbers in by_cpu.values())


def test_nothing_is_lost_where_there_is_room() -> None:
    """Every file of the flood is told, once."""
    able.to_load_programs()
    with sensor.Sensor.open(sensor.Settings()) as opened, container.running() as made:
        entry.call(made, _create_many)
        told = [event for event in _all(opened) if event.fd.root == made.device and event.evt.is_open_write]
        assert opened.losses() == sensor.Losses()
    assert [event.fd.name for event in told] == [f"{stage.HOME}/file-{number}" for number in range(FILES)]
