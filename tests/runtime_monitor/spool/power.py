"""Power cuts: what a disk can hold after one, from the recorded writes and syncs of a real process.

In: a command that writes files in one folder and says what it promises on standard output. Out: a `State` for each
point at which the power can fail. `strace` records; what was synced is there, what was written since may be there,
may be missing, and may be there in part.
"""

import pathlib
import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

CALLS = "openat,close,write,pwrite64,ftruncate,fsync,fdatasync,unlink"
FOLDER = "."
LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?: .*)?$")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Write:
    """Bytes at an offset of a file; `data` None cuts the file there."""

    name: str
    offset: int
    data: bytes | None


@dataclass(frozen=True)
class Sync:
    """A file's writes up to here are durable."""

    name: str


@dataclass(frozen=True)
class Said:
    """A line of standard output."""

    line: str


@dataclass
class State:
    """Files as a disk may hold them after a power cut, and what had been promised by then."""

    files: dict[str, bytes]
    said: list[str]
    kind: str

    def write_to(self, folder: pathlib.Path) -> None:
        """Make the files."""
        folder.mkdir()
        for name, data in self.files.items():
            (folder / name).write_bytes(data)

    def __str__(self) -> str:
        return f"{self.kind}, after {self.said[-1:] or 'nothing said'}"


@dataclass
class _Tracer:
    """The open files of the traced process."""

    folder: pathlib.Path
    names: dict[int, str] = field(default_factory=dict)


def record(command: Sequence[str], folder: pathlib.Path, cwd: pathlib.Path) -> list[Write | Sync | Said]:
    """Run a command to its end; every write, sync and line of it that concerns the folder, in order."""
    trace = folder / "trace"
    strace = ["strace", "-f", "-xx", "-s", "200000", "-e", f"trace={CALLS}", "-o", str(trace), *command]
    subprocess.run(strace, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    tracer = _Tracer(folder)
    events: list[Write | Sync | Said] = []
    with trace.open() as lines:
        for line in lines:
            if found := LINE.match(line.rstrip("\n")):
                events += _event(tracer, found[1], found[2], int(found[3]))
    trace.unlink()
    return events


def _event(tracer: _Tracer, call: str, arguments: str, result: int) -> list[Write | Sync | Said]:
    if result < 0:
        return []
    if call in ("openat", "unlink"):
        path = pathlib.Path(_text(arguments).decode())
        name = FOLDER if path == tracer.folder else path.name
        if FOLDER not in (name, path.name) and path.parent != tracer.folder:
            return []
        if call == "unlink":
            return [Write(name, -1, None)]
        if not name.endswith("-shm"):  # memory that processes share, worth nothing after a power cut
            tracer.names[result] = name
        return []
    descriptor = int(arguments.split(",", 1)[0]) if arguments[:1].isdigit() else -1
    if call == "write" and descriptor == 1:
        return [Said(_text(arguments).decode().strip())]
    return _of_file(tracer, call, descriptor, arguments, result) if descriptor in tracer.names else []


def _of_file(tracer: _Tracer, call: str, descriptor: int, arguments: str, result: int) -> list[Write | Sync | Said]:
    name = tracer.names[descriptor]
    if call == "close":
        del tracer.names[descriptor]
    elif call == "pwrite64":
        return [Write(name, int(arguments.rsplit(",", 1)[1]), _text(arguments)[:result])]
    elif call == "ftruncate":
        return [Write(name, int(arguments.rsplit(",", 1)[1]), None)]
    elif call in ("fsync", "fdatasync"):
        return [Sync(name)]
    return []


def _text(arguments: str) -> bytes:
    found = STRING.search(arguments)
    assert found, f"no string in {arguments[:80]}"
    return bytes.fromhex(found[1].replace("\\x", ""))


def states(events: Sequence[Write | Sync | Said]) -> Iterator[State]:
    """The states at every sync: just before it and just after it, with all, none and some of the unsynced writes."""
    durable: dict[str, bytes] = {}
    pending: list[Write] = []
    said: list[str] = []
    source = random.Random(0)  # noqa: S311 -- data, not secrets
    for event in events:
        if isinstance(event, Said):
            said.append(event.line)
        elif isinstance(event, Write):
            pending.append(event)
        else:
            some = [write for write in pending if source.random() < 0.5]
            torn = [*pending[:-1], _half(pending[-1])] if pending else []
            for kind, writes in (("none", []), ("some", some), ("last torn", torn)):
                yield State(_applied(durable, writes), list(said), f"{kind} of {len(pending)} writes before a sync")
            durable = _applied(durable, [write for write in pending if _is_synced(write, event)])
            pending = [write for write in pending if not _is_synced(write, event)]
    yield State(durable, list(said), "at the end, the synced alone")


def _is_synced(write: Write, sync: Sync) -> bool:
    """A removed name is the folder's to sync."""
    return write.offset < 0 if sync.name == FOLDER else write.name == sync.name and write.offset >= 0


def _half(write: Write) -> Write:
    return write if write.data is None else Write(write.name, write.offset, write.data[: len(write.data) // 2])


def _applied(files: dict[str, bytes], writes: Sequence[Write]) -> dict[str, bytes]:
    changed = dict(files)
    for write in writes:
        old = changed.get(write.name, b"")
        if write.data is None:
            if write.offset < 0:
                changed.pop(write.name, None)
            else:
                changed[write.name] = old[: write.offset].ljust(write.offset, b"\0")
        else:
            end = write.offset + len(write.data)
            changed[write.name] = old[: write.offset].ljust(write.offset, b"\0") + write.data + old[end:]
    return changed
