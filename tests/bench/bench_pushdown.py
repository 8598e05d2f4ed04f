"""How many opens of a container leave the kernel with the stock rules and podseal's own, and what an open costs then.

The share is of the opens that one work makes, counted by a sensor that tells all of them: programs of everyday life,
once each, in a container whose root is the machine's own files. What a work writes it writes to a volume, as in a pod
whose root is read-only; unpacking onto the root is shown apart, for every change of a root is told on purpose. The cost
is nanoseconds of CPU for an open for reading and its close, with the filter and without, in turn, and by the kernel's
own statistics of its programs. Needs root and cc.
PODSEAL_BENCH_BLOCKS shortens it.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from runtime_monitor import capabilities, reload
from runtime_monitor.bpf import build
from runtime_monitor.kernel import layout, open_filter
from runtime_monitor.kernel.decode import kernel_device
from runtime_monitor.kernel.flags import Kind
from runtime_monitor.kernel.sensor import Sensor, Settings
from runtime_monitor.selftest import container, entry
from tests.bench import bench_rules, bench_sensor, measure

BLOCKS = int(os.environ.get("PODSEAL_BENCH_BLOCKS", "15"))
OPENS = 60_000
WORK = Path(__file__).parent / "data" / "sensor" / "work.c"
SOURCE = "\n".join(f"#include <{name}.h>" for name in ("stdio", "stdlib", "string", "pthread", "sys/socket", "math"))
SERVER = """
import http.server, pathlib, threading, urllib.request
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for number in range(300):
    urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/page{number % 20}.html").read()
server.shutdown()
"""
VOLUME = container.VOLUME
WORKS = {
    "a compile of ten files and the link": (
        f"cd {VOLUME} && for n in 0 1 2 3 4 5 6 7 8 9; do cc -O1 -c source$n.c -o $n.o; done && cc -o program *.o"
    ),
    "Python starts 10 times": (
        "for n in $(seq 10); do /usr/bin/python3 -c 'import json, http.server, email, asyncio'; done"
    ),
    "a web server and 300 requests": f"cd {VOLUME} && /usr/bin/python3 -B server.py 2>/dev/null",
    "a shell's loop": "for n in $(seq 100); do cat /etc/hosts /etc/os-release | grep -c x; ls /etc; done >/dev/null",
    "find": "find /usr/include /etc -name '*.conf' >/dev/null",
    "tar of a folder": f"tar cf {VOLUME}/made.tar /usr/include/linux 2>/dev/null",
    "tar unpacked onto a volume": f"mkdir -p {VOLUME}/many && tar xf {VOLUME}/made.tar -C {VOLUME}/many",
    "grep through a folder": "grep -rl struct /usr/include/linux >/dev/null",
}
"""Name -> a line of a shell; each is run twice from the same beginning."""
ONTO_THE_ROOT = f"mkdir /many && tar xf {VOLUME}/made.tar -C /many && rm -rf /many"
RING = 256 << 20
"""Bytes: all opens of a work have room, however slowly they are read."""
GOAL = measure.Goal(5)


def main() -> int:
    """Print and store the figures; return the goals missed."""
    if not bench_rules.STOCK.is_file():
        sys.stdout.write(f"pushdown: skipped, no stock rules at {bench_rules.STOCK}; set PODSEAL_FALCO_RULES\n")
        return 0
    build.build()
    request = reload.Request(
        (str(bench_rules.STOCK),), fillable=capabilities.fillable(), delivered=capabilities.delivered(), lenient=True
    )
    reply = reload.answer(request)
    assert reply.program is not None
    rules = Settings(event_types=frozenset(reply.program.pushdown), opens=reply.opens, ring_bytes=RING)
    with tempfile.TemporaryDirectory() as folder, container.running() as made:
        _furnish(made, Path(folder))
        results = [*shares(made, rules), *runs(made, rules), *costs(made, rules)]
    return measure.report("pushdown", results)


def shares(made: container.Container, rules: Settings) -> Iterator[measure.Result]:
    """Of each work, and of all together."""
    everything = Settings(opens=open_filter.EVERYTHING, ring_bytes=RING)
    total = told_of_all = 0
    for name, line in WORKS.items():
        opens, told = (_opens(made, settings, line) for settings in (everything, rules))
        total, told_of_all = total + opens, told_of_all + told
        yield _share(name, told, opens)
    yield _share("all of these", told_of_all, total, GOAL)
    opens, told = (_opens(made, settings, ONTO_THE_ROOT) for settings in (everything, rules))
    yield _share("tar unpacked onto the root, all of it changes", told, opens)


def _share(name: str, told: int, opens: int, goal: measure.Goal | None = None) -> measure.Result:
    share = 100 * told / opens
    return measure.single(f"opens told, {name}", share, unit=" %", goal=goal, detail=f"{told} of {opens}")


def _opens(made: container.Container, settings: Settings, line: str) -> int:
    """How many opens of the container a sensor tells while a line runs there; none may be lost."""
    count, device = 0, kernel_device(made.device)
    with Sensor.open(settings) as sensor:
        outcome: list[entry.Result] = []
        thread = threading.Thread(target=lambda: outcome.append(entry.execute(made, ("sh", "-c", line))))
        thread.start()
        running = True
        while running or sensor.waiting:
            running = thread.is_alive()
            # By the bytes: to make Events of all of them takes longer than the work.
            for data in sensor._ring.read(sensor.settings.ring_bytes):
                record = layout.unpack(data)
                count += record.kind == Kind.OPEN and record.root == device
            thread.join(0.01)
        thread.join()
        assert outcome[0].status == 0, outcome[0].output.decode(errors="replace")
        assert sensor.losses().ring_full == 0, "the ring was full: the figure would be wrong"
    return count


def costs(made: container.Container, rules: Settings) -> Iterator[measure.Result]:
    """An open for reading that no rule wants, in the container and on the host."""
    inside = (f"{VOLUME}/work", "opens", str(OPENS))
    for name, settings in (("without rules", Settings()), ("with the stock rules", rules)):
        yield measure.compare(
            f"open for reading and close in a container, the sensor {name} / no sensor",
            lambda: _cost(made, None, inside),
            lambda settings=settings: _cost(made, settings, inside),  # type: ignore[misc]
            blocks=BLOCKS,
        )
    yield measure.compare(
        "open for reading and close in a container, the sensor with the stock rules / without rules",
        lambda: _cost(made, Settings(), inside),
        lambda: _cost(made, rules, inside),
        blocks=BLOCKS,
    )
    outside = (str(made.folder / "volume" / "work"), "opens", str(OPENS))
    yield measure.compare(
        "open for reading and close on the host, the sensor with the stock rules / without rules",
        lambda: _cost(None, Settings(), outside),
        lambda: _cost(None, rules, outside),
        blocks=BLOCKS,
    )


def runs(made: container.Container, rules: Settings) -> Iterator[measure.Result]:
    """Mean run time of `dispatch` with all that it goes on to, where opens for reading and closes take turns."""
    for name, settings in (("without rules", Settings()), ("with the stock rules", rules)):
        with bench_sensor.statistics(), Sensor.open(settings) as sensor:
            entry.execute(made, (f"{VOLUME}/work", "opens", str(OPENS)))
            spent, count = sensor.programs.run_times()["dispatch"]
        yield measure.single(f"program dispatch {name}, open for reading or close", spent / count, unit=" ns a run")


def _cost(made: container.Container | None, settings: Settings | None, command: tuple[str, ...]) -> float:
    """Nanoseconds of CPU for one, which the program prints."""
    with contextlib.nullcontext() if settings is None else bench_sensor.sensing(settings):
        if made is None:
            return float(subprocess.run(command, capture_output=True, check=True).stdout)
        return float(entry.execute(made, command).output)


def _furnish(made: container.Container, folder: Path) -> None:
    """What the works need, on the volume."""
    volume = made.folder / "volume"
    subprocess.run((sys.executable, "-m", "ziglang", "cc", "-O2", "-o", str(folder / "work"), str(WORK)), check=True)
    (volume / "work").write_bytes((folder / "work").read_bytes())
    (volume / "work").chmod(0o755)
    (volume / "server.py").write_text(SERVER)
    for number in range(20):
        (volume / f"page{number}.html").write_text(f"<p>{number}</p>\n" * 100)
    for number in range(10):
        body = "int main(void) { return 0; }" if number == 0 else f"int f{number}(void) {{ return {number}; }}"
        (volume / f"source{number}.c").write_text(f"{SOURCE}\n{body}\n")


if __name__ == "__main__":
    sys.exit(main())
