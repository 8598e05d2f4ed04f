"""Bytes of the ring -> Event: what the kernel saw, in Falco's terms; nothing is looked up elsewhere.

In: a record's bytes and `Origin`, what all events of this boot share. Out: an Event with the parts `evt`, `proc`, `fd`,
`user` and `session` as far as the kernel knows them. Called by `sensor`. Every text is hostile: names hold newlines and
bytes that are not UTF-8, which become U+DC80..U+DCFF (PEP 383) so that nothing is lost and nothing raises.
"""

import errno
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from runtime_monitor.events import Ancestor, Call, Drift, Event, File, Process, Session, User
from runtime_monitor.kernel import calls, layout, signatures, sockets
from runtime_monitor.kernel.flags import Flag, Hook, Kind
from runtime_monitor.kernel.layout import Record

STDIN: Final = (None, "pipe", "tty", "null", "file", "socket")
"""Names of `enum stdin_kind`."""
_O_TMPFILE: Final = os.O_TMPFILE
_UNSET_LOGIN: Final = 0xFFFFFFFF
_FILE_TYPES: Final = {0o010000: "p", 0o020000: "f", 0o040000: "d", 0o060000: "f", 0o100000: "f", 0o140000: "u"}
_TYPE_NAMES: Final = {"p": "pipe", "f": "file", "d": "directory", "u": "unix"}
_ANONYMOUS: Final = {
    "eventfd": ("e", "event"),
    "eventpoll": ("l", "eventpoll"),
    "inotify": ("i", "inotify"),
    "signalfd": ("s", "signalfd"),
    "timerfd": ("t", "timerfd"),
    "userfaultfd": ("u", "userfaultfd"),
    "io_uring": ("r", "io_uring"),
    "pidfd": ("P", "pidfd"),
    "bpf-map": ("b", "bpf"),
    "bpf-prog": ("b", "bpf"),
}
"""What the kernel calls its own files (fs/anon_inodes.c's callers), as Falco's character and type."""


@dataclass(frozen=True)
class Origin:
    """What every event of a boot shares: `epoch` is the time of the boot in nanoseconds since the epoch."""

    node: str
    boot: str
    epoch: int


def decode(data: Any, origin: Origin, number: int | None = None) -> Event:  # noqa: ANN401 -- anything with the buffer protocol
    """One record, by its number among those that were read; raises `struct.error` or `ValueError` where it is none."""
    record = layout.unpack(data)
    pieces = _pieces(data, record)
    kind, flags = record.kind, record.flags
    if kind == Kind.SUMMARY:
        return _summary(record, origin, number)
    return Event(
        evt=_call(record, kind, pieces, origin, number),
        proc=_process(record, kind, flags, pieces),
        fd=_file(record, kind, flags, pieces),
        user=User(
            uid=record.uid,
            gid=record.gid,
            login_uid=-1 if record.login_uid == _UNSET_LOGIN else record.login_uid,
        ),
        session=_session(record, flags, origin),
        drift=_drift(record, kind, flags),
    )


def _summary(record: Record, origin: Origin, number: int | None) -> Event:
    """Of a process only what tells it from others: `summaries` knows it from its first write."""
    return Event(
        evt=_call(record, record.kind, {}, origin, number),
        proc=Process(pid=record.pid, tid=record.tid, start=record.start),
        fd=_file(record, record.kind, record.flags, {}),
        drift=Drift(kind="write"),
    )


def device_number(kernel_device: int) -> int:
    """The kernel's own dev_t (12 bits of major, 20 of minor) as stat(2) tells it."""
    return os.makedev(kernel_device >> 20, kernel_device & 0xFFFFF)


def kernel_device(device: int) -> int:
    """What `device_number` undoes."""
    return os.major(device) << 20 | os.minor(device)


def _pieces(data: Any, record: Record) -> dict[str, bytes]:  # noqa: ANN401 -- anything with the buffer protocol
    offset, pieces = layout.SIZE, {}
    for name, length in zip(layout.PIECES, layout.lengths(record), strict=True):
        if length:
            pieces[name] = bytes(data[offset : offset + length])
            offset += length
    return pieces


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _walked(raw: bytes) -> str:
    """The path of names from the leaf upwards, each ended by a slash; the root's own name is a slash."""
    names = raw.split(b"/")
    names.reverse()
    return _text(b"/" + b"/".join(name for name in names if name))


def _strings(raw: bytes) -> tuple[str, ...]:
    return tuple(map(_text, raw.removesuffix(b"\0").split(b"\0"))) if raw else ()


def _call(record: Record, kind: int, pieces: dict[str, bytes], origin: Origin, number: int | None) -> Call:
    name, arguments = _named(record, kind, pieces)
    failure = errno.errorcode.get(-record.result, str(record.result)) if record.result < 0 else "SUCCESS"
    opens = kind == Kind.OPEN or (kind in (Kind.URING, Kind.HOOK) and name.startswith("open"))
    return Call(
        type=name,
        time=origin.epoch + record.time,
        num=number,
        cpu=record.cpu,
        sequence=record.sequence,
        node=origin.node,
        boot=origin.boot,
        raw_result=record.result,
        result=failure,
        arguments=arguments,
        is_open_write=bool(record.flags & Flag.WRITE) if opens else None,
        is_open_read=record.open_flags & os.O_ACCMODE != os.O_WRONLY if opens else None,
        is_open_exec=_makes_program(record) if kind == Kind.OPEN else None,
        buffer=pieces.get("data"),
    )


def _makes_program(record: Record) -> bool:
    """Whether an open made a new file that may be executed."""
    made = record.flags & Flag.CREATED or record.open_flags & _O_TMPFILE == _O_TMPFILE
    return record.result >= 0 and bool(made) and bool(record.mode & 0o111)


def _named(record: Record, kind: int, pieces: dict[str, bytes]) -> tuple[str, dict[str, str | int]]:
    """The call's name, and its arguments by name."""
    if kind == Kind.URING:
        return calls.URING.get(record.call, f"io_uring {record.call}"), {"io_uring": record.call}
    if kind == Kind.EXEC:
        filename = {"filename": _text(pieces["argument"])} if "argument" in pieces else {}
        return "execve", {**filename, "flags": _exec_flags(record.flags)}
    if kind in (Kind.EXIT, Kind.SUMMARY):
        return {Kind.EXIT: "procexit", Kind.SUMMARY: "write"}[kind], {}
    called = calls.call_of(record.call)
    if called is None:
        return Hook(record.hook).name.lower(), {}
    if kind == Kind.DESCRIPTOR:
        return called.event_type, signatures.arguments(called, layout.arguments(record), {}) | _ends(called, pieces)
    texts = {
        position: _text(pieces[piece])
        for position, piece in ((called.path, "argument"), (called.path2, "argument2"))
        if piece in pieces
    }
    arguments = signatures.arguments(called, layout.arguments(record), texts)
    if kind == Kind.OPEN:
        arguments["flags"] = record.open_flags
    return called.event_type, arguments


def _ends(called: calls.Call, pieces: dict[str, bytes]) -> dict[str, str | int]:
    """Of a call on a socket: both ends, and what was sent or received."""
    told: dict[str, str | int] = {}
    if "socket" in pieces:
        ends = sockets.attributes(sockets.unpack(pieces["socket"]), pieces.get("argument"))
        told |= sockets.arguments(called.event_type, ends)
    if "data" in pieces:
        told["data"] = _text(pieces["data"])
    return told


def _process(record: Record, kind: int, flags: int, pieces: dict[str, bytes]) -> Process:
    known = Process(
        pid=record.pid,
        tid=record.tid,
        vpid=record.vpid,
        start=record.start,
        duration=record.time - record.start,
        parent=record.parent,
        parent_start=record.parent_start,
        parent_name=_text(record.parent_comm.split(b"\0", 1)[0]),
        parent_vpid=record.parent_vpid,
        name=_text(record.comm.split(b"\0", 1)[0]),
        tty=device_number(record.tty) if record.tty else 0,
        cgroup_id=record.cgroup,
        pid_namespace=record.pid_namespace,
        mount_namespace=record.mount_namespace,
        session_leader_vpid=record.session_leader,
        is_process_group_leader=bool(flags & Flag.GROUP_LEADER),
        cap_permitted=record.permitted,
        cap_effective=record.effective,
        cap_inheritable=record.inheritable,
    )
    if kind != Kind.EXEC:
        return known
    return _executed(known, record, flags, pieces)


def _executed(known: Process, record: Record, flags: int, pieces: dict[str, bytes]) -> Process:
    argv = _strings(pieces.get("argv", b""))
    return Process(
        **{name: getattr(known, name) for name in known.__struct_fields__ if getattr(known, name) is not None}
        | {
            "exe": argv[0] if argv else None,
            "arguments": argv[1:],
            "exepath": _exepath(pieces["path"], flags) if "path" in pieces else None,
            "environment": _strings(pieces.get("environment", b"")),
            "cwd": _walked(pieces.get("cwd", b"/")),
            "ancestors": tuple(_ancestors(pieces.get("ancestors", b""))) or None,
            "exe_inode": record.inode,
            "exe_device": device_number(record.device),
            "exe_ctime": record.changed,
            "exe_mtime": record.modified,
            "exe_upper_layer": bool(flags & Flag.UPPER),
            "exe_from_memfd": bool(flags & Flag.MEMFD),
            "exe_deleted": bool(flags & Flag.DELETED),
            "exe_on_root": bool(flags & Flag.ON_ROOT),
            "script": _text(pieces["argument"]) if flags & Flag.SCRIPT and "argument" in pieces else None,
        }
    )


def _ancestors(raw: bytes) -> Iterator[Ancestor]:
    whole = len(raw) - len(raw) % layout.ANCESTOR.size
    for start, pid, comm in layout.ANCESTOR.iter_unpack(raw[:whole]):
        yield Ancestor(pid=pid, start=start, name=_text(comm.split(b"\0", 1)[0]))


def _exepath(path: bytes, flags: int) -> str:
    """A memory file has no place: `memfd:` and its name, which may hold slashes."""
    return _text(path.removesuffix(b"/")) if flags & Flag.MEMFD else _walked(path)


def _exec_flags(flags: int) -> int:
    """The bits of Falco's PPM_EXE_* (driver/ppm_events_public.h); `rules.arguments` has their names."""
    lower = flags & Flag.OVERLAY and not flags & Flag.UPPER
    bits = (flags & Flag.WRITABLE, flags & Flag.UPPER, flags & Flag.MEMFD, lower)
    return sum(1 << position for position, bit in enumerate(bits) if bit)


def _file(record: Record, kind: int, flags: int, pieces: dict[str, bytes]) -> File:
    if kind in (Kind.EXEC, Kind.EXIT, Kind.CALL):
        root = device_number(record.root) if record.root else None
        return File(root=root, last=bool(flags & Flag.LAST) or None)
    if "socket" in pieces:
        return _socket(record, pieces)
    name, raw, source, old = None, None, None, None
    if flags & Flag.OBJECT:
        source = "object"
        name = _walked(pieces["path"]) if "path" in pieces else None
        old = _walked(pieces["base"]) if "base" in pieces else None
        # Of two names the second is what it is about.
        given = pieces.get("argument2" if old else "argument")
        raw = _text(given) if given else None
    elif "argument" in pieces:
        source = "argument"
        raw = _text(pieces["argument"])
        name = _joined(pieces.get("base", b""), pieces["argument"])
    if "base2" in pieces and "argument2" in pieces:
        old, raw, name = name, _text(pieces["argument2"]), _joined(pieces["base2"], pieces["argument2"])
    character, type_name = ("f", "file") if _has_failed(record, kind) else _type(record, flags, name)
    if flags & Flag.ANONYMOUS or (character, name) == ("p", "/"):
        name = None  # what the kernel calls its own files, and pipes, is no path
    return File(
        number=_number(record, kind),
        name=name,
        name_raw=raw,
        old_name=old,
        type_character=character,
        type=type_name,
        device=device_number(record.device) if record.device else None,
        inode=record.inode or None,
        root=device_number(record.root) if record.root else None,
        path_source=source,
        path_cut=bool(flags & Flag.PATH_CUT) or None,
        created=bool(flags & Flag.CREATED) or None,
        upper_layer=bool(flags & Flag.UPPER) if flags & Flag.OBJECT else None,
        from_host_tree=bool(flags & Flag.TREE) or None,
        bytes_written=record.written if kind == Kind.SUMMARY else None,
        writes=record.writes if kind == Kind.SUMMARY else None,
    )


def _has_failed(record: Record, kind: int) -> bool:
    """Whether it is an open that gave no descriptor."""
    return kind == Kind.OPEN and record.result < 0


def _number(record: Record, kind: int) -> int | None:
    """The descriptor; -1 of an open that failed, as Falco has it."""
    return record.descriptor if record.descriptor >= 0 else -1 if _has_failed(record, kind) else None


def _type(record: Record, flags: int, name: str | None) -> tuple[str | None, str | None]:
    """The type's character and its name."""
    if flags & Flag.ANONYMOUS and name:
        return _ANONYMOUS.get(name.strip("/[]").removeprefix("anon_inode:"), ("o", None))
    if record.mode & 0o170000 == 0:
        return None, None
    character = _FILE_TYPES.get(record.mode & 0o170000, "o")
    return character, _TYPE_NAMES.get(character)


def _socket(record: Record, pieces: dict[str, bytes]) -> File:
    return File(
        number=record.descriptor if record.descriptor >= 0 else None,
        device=device_number(record.device),
        inode=record.inode,
        root=device_number(record.root) if record.root else None,
        **sockets.attributes(sockets.unpack(pieces["socket"]), pieces.get("argument")),
    )


def _joined(base: bytes, argument: bytes) -> str:
    """Where an argument leads to, by the text alone: links are not followed.

    `base` is the directory that the call started from; for an absolute path that is the process's root, which is
    another one than the container's after a chroot, and which no dot-dot leaves.
    """
    if argument.startswith(b"/"):
        argument = posixpath.normpath(b"/" + argument.lstrip(b"/"))
    names = [name for name in reversed(base.split(b"/")) if name] + [argument.lstrip(b"/")]
    return _text(posixpath.normpath(b"/" + b"/".join(names)))


def _session(record: Record, flags: int, origin: Origin) -> Session:
    entry = bool(flags & Flag.ENTRY)
    stdin = STDIN[record.stdin_kind] if record.stdin_kind < len(STDIN) else None
    if not record.session:
        return Session()
    return Session(
        id=f"{origin.node}/{origin.boot}/{record.session}/{record.session_start}",
        start=origin.epoch + record.session_start,
        entry=entry or None,
        tty=record.tty != 0 if entry else None,
        stdin=stdin if entry else None,
        in_cgroup=bool(flags & Flag.IN_CGROUP) if entry else None,
    )


def _drift(record: Record, kind: int, flags: int) -> Drift:
    if flags & Flag.ESCAPE:
        return Drift(kind="escape")
    if kind == Kind.EXEC:
        layer = _exec_layer(flags)
        return Drift(kind="exec" if layer else None, layer=layer)
    if kind in (Kind.OPEN, Kind.FILE, Kind.NAME, Kind.URING, Kind.HOOK):
        if kind == Kind.OPEN and not _changes_root(flags):
            return Drift()
        if kind == Kind.URING and _is_for_reading(record, flags):
            return Drift()
        return Drift(kind="attempt" if record.result < 0 else "write")
    return Drift()


def _is_for_reading(record: Record, flags: int) -> bool:
    return calls.URING.get(record.call, "").startswith("open") and not flags & Flag.WRITE


def _changes_root(flags: int) -> bool:
    """Whether an open does, or tries to: rules are told of opens for reading too, and of files on other mounts."""
    return bool(flags & Flag.WRITE and flags & (Flag.FAILED | Flag.ON_ROOT | Flag.TREE))


def _exec_layer(flags: int) -> str | None:
    if flags & Flag.MEMFD:
        return "memfd"
    if flags & Flag.DELETED:
        return "deleted"
    if flags & Flag.UPPER:
        return "upper"
    return None if flags & Flag.ON_ROOT else "volume"
