"""Programs are known by number and start, and found by the bed that they belong to."""

import dataclasses
import os
import pathlib
import signal
import sys

from tests.cluster import interrupts, processes, records, waiting

# Says that it is up and waits; what it does on SIGTERM comes before.
PROGRAM = """
import os, signal, subprocess, sys
{}
print("up", flush=True)
while True:
    signal.pause()
"""


def start(folder: pathlib.Path, preparation: str = "") -> processes.ProcessId:
    """Start a Python program of the bed in `folder` and wait until it is up."""
    log = folder / "log"
    program = processes.start([sys.executable, "-c", PROGRAM.format(preparation)], log, folder)
    waiting.until(lambda: "up" in log.read_text(), "the program's first line")
    return program


def test_a_program_is_stopped_and_its_output_kept(tmp_path: pathlib.Path) -> None:
    """SIGTERM first; what it printed is in its log."""
    program = start(tmp_path, "signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye'))")
    assert program.alive()
    processes.stop(program)
    assert not program.alive()
    assert (tmp_path / "log").read_text() == "up\nbye\n"


def test_a_program_that_ignores_the_signal_is_killed(tmp_path: pathlib.Path) -> None:
    """After the deadline SIGKILL ends it."""
    program = start(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    processes.stop(program, seconds=0.2)
    assert not program.alive()


def test_a_number_that_was_given_anew_is_left_alone() -> None:
    """A process with the same number and another start is somebody else's: this very test would die."""
    me = processes.identify(os.getpid())
    processes.stop(dataclasses.replace(me, started=me.started - 1), signal.SIGKILL)
    assert me.alive()


def test_what_a_program_starts_belongs_to_its_bed(tmp_path: pathlib.Path) -> None:
    """Children that left their session are found too, those of another bed are not."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    start(mine, "subprocess.Popen(['/bin/sleep', '600'], start_new_session=True)")
    other = start(theirs)
    waiting.until(lambda: len(processes.marked(mine)) == 2, "the program and its child")
    processes.kill_all(lambda: processes.marked(mine), "the bed")
    assert processes.marked(mine) == []
    assert other.alive()
    processes.stop(other, signal.SIGKILL)


def test_signals_become_exceptions_and_are_held_in_between() -> None:
    """SIGTERM raises inside `raised`, does nothing inside `ignored`, and then is what it was."""
    before = signal.getsignal(signal.SIGTERM)
    seen = []
    with interrupts.raised():
        with interrupts.ignored():
            signal.raise_signal(signal.SIGTERM)
            seen.append("held")
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            seen.append(str(error))
    assert seen == ["held", "SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_one_process_alone_claims_an_abandoned_bed(tmp_path: pathlib.Path) -> None:
    """The first is its owner from then on, the second goes away with nothing."""
    me = processes.identify(os.getpid())
    abandoned = records.Record(tmp_path, 7, dataclasses.replace(me, started=0), {})
    records.save(abandoned)
    try:
        claimed = records.claim(abandoned, me)
        assert claimed is not None
        assert records.load(tmp_path) == claimed
        assert not claimed.abandoned
    finally:
        records.forget(tmp_path)
    assert records.claim(abandoned, me) is None


def test_a_record_comes_back_as_it_was(tmp_path: pathlib.Path) -> None:
    """What teardown reads is what the start wrote; a forgotten bed is found no more."""
    me = processes.identify(os.getpid())
    record = records.Record(tmp_path, 7, me, {"vm/panic_on_oom": "0"}).with_program("etcd", me)
    records.save(record)
    try:
        assert records.load(tmp_path) == record
        assert record in records.load_all()
        assert not record.abandoned
        assert dataclasses.replace(record, owner=dataclasses.replace(me, started=0)).abandoned
    finally:
        records.forget(tmp_path)
    assert tmp_path not in [each.folder for each in records.load_all()]
