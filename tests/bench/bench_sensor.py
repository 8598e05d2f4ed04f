"""What the sensor costs a node: each system call, processes, a compile, a tar into a container, a flood of events.

All but the flood are seconds of CPU of what is slowed down, which a busy machine disturbs less than elapsed ones; with
and without the sensor in turn. The floor is an empty program on the same hook. Needs root and cc.
PODSEAL_BENCH_BLOCKS shortens it.
"""

import contextlib
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime_monitor.bpf import build
from runtime_monitor.kernel.libbpf import check, ffi, library, text
from runtime_monitor.kernel.sensor import Sensor, Settings
from runtime_monitor.selftest import container, entry
from tests.bench import measure

SOURCES = Path(__file__).parent / "data" / "sensor"
BLOCKS = int(os.environ.get("PODSEAL_BENCH_BLOCKS", "15"))
CALLS, OPENS, SPAWNS, FILES = 300_000, 60_000, 2_000, 10_000
EXTRACTIONS = 5
"""In a block. A block takes a second, so that what loading the programs drove out of the caches does not count."""
RATE, SECONDS = 50_000, 10
FLOOD = 400_000
TRACEFS = Path("/sys/kernel/tracing")


def main() -> int:
    """Print and store the figures; return the goals missed."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        results = [*bench.calls(), *bench.host(), *bench.tar(), *bench.events(), *bench.programs()]
    return measure.report("sensor", results)


class Bench:
    """The host program `work` and the object `floor`, built into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work, self.floor = folder / "work", folder / "floor.bpf.o"
        native = (sys.executable, "-m", "ziglang", "cc", "-O2", "-o", str(self.work), str(SOURCES / "work.c"))
        kernel = (*build.compiler(), "-O2", "-g", "-c", str(SOURCES / "floor.c"), "-o", str(self.floor))
        for command in (native, kernel):
            subprocess.run(command, check=True)
        build.build()

    def calls(self) -> Iterator[measure.Result]:
        """Nanoseconds of a call that no program follows up, and of an open for reading with its close."""
        empty = self._difference("calls", CALLS, lambda: floor(self.floor, "raw"))
        ours = self._difference("calls", CALLS, sensing)
        yield measure.single("an empty program on raw sys_exit, any call", empty, unit=" ns")
        yield measure.single("the sensor, any call", ours, unit=" ns")
        yield measure.compare(
            "any call, the sensor / an empty program",
            lambda: self._under(lambda: floor(self.floor, "raw"), "calls", CALLS),
            lambda: self._under(sensing, "calls", CALLS),
            goal=measure.Goal(1.3),
            blocks=BLOCKS,
        )
        yield measure.compare(
            "open for reading and close, the sensor / an empty program",
            lambda: self._under(lambda: floor(self.floor, "raw"), "opens", OPENS),
            lambda: self._under(sensing, "opens", OPENS),
            goal=measure.Goal(1.3),
            blocks=BLOCKS,
        )
        with tracing():
            other = self._difference("calls", CALLS, lambda: floor(self.floor, "one_call"))
        yield measure.single("an empty program on sys_exit_openat, any other call", other, unit=" ns")

    def host(self) -> Iterator[measure.Result]:
        """Processes and a compile of the host, with the sensor and without."""
        yield measure.compare(
            "fork and exec, with the sensor / without",
            lambda: elapsed(contextlib.nullcontext, (str(self.work), "spawns", str(SPAWNS))),
            lambda: elapsed(sensing, (str(self.work), "spawns", str(SPAWNS))),
            goal=measure.Goal(1.03),
            blocks=BLOCKS,
        )
        yield measure.compare(
            "fork and exec, an empty program on raw sys_exit / none",
            lambda: elapsed(contextlib.nullcontext, (str(self.work), "spawns", str(SPAWNS))),
            lambda: elapsed(lambda: floor(self.floor, "raw"), (str(self.work), "spawns", str(SPAWNS))),
            blocks=BLOCKS,
        )
        source = self.folder / "large.c"
        source.write_text("\n".join(f"int f{n}(int x) {{ return x * {n} + x / ({n} + 1); }}" for n in range(1500)))
        command = ("cc", "-O1", "-c", str(source), "-o", str(self.folder / "large.o"))
        yield measure.compare(
            "a compile, with the sensor / without",
            lambda: elapsed(contextlib.nullcontext, command),
            lambda: elapsed(sensing, command),
            goal=measure.Goal(1.03),
            blocks=BLOCKS,
        )

    def tar(self) -> Iterator[measure.Result]:
        """Files unpacked into a container's root, beside what the hook alone costs."""
        with container.running() as made:
            archive = made.folder / "volume" / "many.tar"
            _archive(archive)
            folders = " ".join(f"/many{number}" for number in range(EXTRACTIONS))
            unpack = f"for each in {folders}; do mkdir $each && tar -xf {container.VOLUME}/many.tar -C $each; done"

            def extract(around: Callable[[], contextlib.AbstractContextManager[object]]) -> float:
                with around():
                    begin = children()
                    assert entry.execute(made, ("sh", "-c", unpack)).status == 0
                    took = children() - begin
                entry.execute(made, ("rm", "-rf", *folders.split()))
                return took

            yield measure.compare(
                f"tar of {FILES} files into a container's root, with the sensor / without",
                lambda: extract(contextlib.nullcontext),
                lambda: extract(sensing),
                goal=measure.Goal(1.1),
                blocks=BLOCKS,
            )
            yield measure.compare(
                f"tar of {FILES} files, an empty program on raw sys_exit / none",
                lambda: extract(contextlib.nullcontext),
                lambda: extract(lambda: floor(self.floor, "raw")),
                blocks=BLOCKS,
            )

    def events(self) -> Iterator[measure.Result]:
        """A steady rate without loss, and a flood whose loss is counted to the event."""
        for rate, seconds in ((RATE, SECONDS), (FLOOD, 3)):
            flood = self._flooded(rate, seconds)
            name = f"{rate} events/s for {seconds} s"
            goal = measure.Goal(0) if rate == RATE else None
            detail = f"{flood.made} made, {flood.numbered} numbered, {flood.read} read"
            unaccounted = abs(flood.numbered - flood.read - flood.lost)
            yield measure.single(f"{name}, lost", flood.lost, unit="", goal=goal, detail=detail)
            yield measure.single(f"{name}, unaccounted", unaccounted, unit="", goal=measure.Goal(0))
            yield measure.single(
                f"{name}, CPU of the reader", flood.cpu / max(flood.read, 1) * 1e6, unit=" us an event"
            )

    def _flooded(self, rate: int, seconds: int) -> "Flood":
        with container.running() as made, Sensor.open(Settings()) as sensor:
            program = made.folder / "volume" / "work"
            program.write_bytes(self.work.read_bytes())
            program.chmod(0o755)
            command = (f"{container.VOLUME}/work", "events", str(rate), str(seconds), "/flooded")
            outcome: list[entry.Result] = []
            thread = threading.Thread(target=lambda: outcome.append(entry.execute(made, command)))
            thread.start()
            read, begin = 0, time.process_time()
            # One core is what is asked for: the machine's other work must not take it away.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -20)
            while thread.is_alive():
                read += len(sensor.poll(0.1))
            cpu = time.process_time() - begin
            thread.join()
            # Other containers of the machine go on: the counts are compared at a moment when none is in between.
            for _ in range(100):
                read += len(sensor.poll())
                lost = sensor.losses().ring_full
                if not sensor.waiting and sensor.numbered == read + lost + sensor.left_out:
                    break
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 0)
            return Flood(int(outcome[0].output), sensor.numbered, read + sensor.left_out, lost, cpu)

    def programs(self) -> Iterator[measure.Result]:
        """Mean run time of each program by the kernel's statistics, over processes, opens and a tar."""
        with container.running() as made, sensing() as sensor, statistics():
            self._once("opens", OPENS)
            self._once("spawns", SPAWNS)
            _archive(made.folder / "volume" / "many.tar")
            entry.execute(made, ("sh", "-c", f"mkdir /many && tar -xf {container.VOLUME}/many.tar -C /many"))
            for name, (spent, runs) in sorted(sensor.programs.run_times().items()):
                if runs:
                    yield measure.single(f"program {name}", spent / runs, unit=" ns a run", detail=f"{runs} runs")

    def _once(self, what: str, times: int) -> float:
        run = subprocess.run((self.work, what, str(times)), capture_output=True, text=True, check=True)
        return float(run.stdout)

    def _under(self, around: Callable[[], contextlib.AbstractContextManager[object]], what: str, times: int) -> float:
        with around():
            return self._once(what, times)

    def _difference(
        self, what: str, times: int, around: Callable[[], contextlib.AbstractContextManager[object]]
    ) -> float:
        """Nanoseconds that something adds to a call: the median of differences in turn."""
        added = sorted(
            self._under(around, what, times) - self._under(contextlib.nullcontext, what, times) for _ in range(BLOCKS)
        )
        return added[len(added) // 2]


@dataclass(frozen=True)
class Flood:
    """Events made, numbered by the programs (others' too), read and lost; CPU seconds of the reader."""

    made: int
    numbered: int
    read: int
    lost: int
    cpu: float


@contextlib.contextmanager
def sensing(settings: Settings | None = None) -> Iterator[Sensor]:
    """A sensor whose events are read by a thread."""
    with Sensor.open(settings or Settings()) as sensor:
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                sensor.poll(0.1)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield sensor
        finally:
            stop.set()
            thread.join()


@contextlib.contextmanager
def floor(path: Path, name: str) -> Iterator[None]:
    """One of the empty programs, attached."""
    handle = check("floor", library().bpf_object__open_file(str(path).encode(), ffi.NULL))
    try:
        each = library().bpf_object__next_program(handle, ffi.NULL)
        while text(library().bpf_program__name(each)) != name:
            library().bpf_program__set_autoload(each, False)
            each = library().bpf_object__next_program(handle, each)
        other = library().bpf_object__next_program(handle, each)
        if other != ffi.NULL:
            library().bpf_program__set_autoload(other, False)
        check("floor", library().bpf_object__load(handle))
        link = check("floor", library().bpf_program__attach(each))
        yield
        library().bpf_link__destroy(link)
    finally:
        library().bpf_object__close(handle)


@contextlib.contextmanager
def tracing() -> Iterator[None]:
    """Tracefs, mounted while it is needed."""
    mounted = not any(TRACEFS.iterdir())
    if mounted:
        subprocess.run(("mount", "-t", "tracefs", "tracefs", str(TRACEFS)), check=True)
    try:
        yield
    finally:
        if mounted:
            subprocess.run(("umount", str(TRACEFS)), check=True)


@contextlib.contextmanager
def statistics() -> Iterator[None]:
    """The kernel counts the run time of programs as long as this descriptor is open (BPF_STATS_RUN_TIME)."""
    descriptor = check("statistics of programs", library().bpf_enable_stats(0))
    try:
        yield
    finally:
        os.close(descriptor)


def elapsed(around: Callable[[], contextlib.AbstractContextManager[object]], command: tuple[str, ...]) -> float:
    """CPU seconds of a command."""
    with around():
        begin = children()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return children() - begin


def children() -> float:
    """CPU seconds of processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _archive(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for number in range(FILES):
            member = tarfile.TarInfo(f"{number % 100:02}/{number}")
            member.size = 64
            archive.addfile(member, _Zeros())


class _Zeros:
    """A file of zeros."""

    def read(self, size: int = -1, /) -> bytes:
        """As many as asked for."""
        return bytes(max(size, 0))


if __name__ == "__main__":
    sys.exit(main())
