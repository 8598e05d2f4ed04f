"""The records of the ring as Python reads them: the fields of `struct event` (bpf/events.h), in their order.

Out: `Record`, `unpack(buffer, offset)`, and `differences`, which compares the table with the BTF of a built object, so
that a header changed on one side alone is told before the first record is read. Called by `decode` and `sensor`.
"""

import struct
from typing import Any, Final, NamedTuple, cast

from runtime_monitor.kernel import btf

PIECES: Final = (
    *("path", "base", "argument", "base2", "argument2", "argv", "environment", "cwd"),
    *("socket", "data"),
)
"""Names of `enum piece`, in its order: the texts that follow the record's fixed part."""


class Record(NamedTuple):
    """`struct event`: numbers as the kernel has them, `arguments` and `lengths` spread over fields of their own."""

    time: int
    sequence: int
    start: int
    parent_start: int
    session_start: int
    cgroup: int
    inode: int
    written: int
    changed: int
    modified: int
    inheritable: int
    permitted: int
    effective: int
    result: int
    argument0: int
    argument1: int
    argument2: int
    argument3: int
    argument4: int
    argument5: int
    kind: int
    cpu: int
    flags: int
    call: int
    pid: int
    tid: int
    vpid: int
    parent: int
    parent_vpid: int
    session: int
    uid: int
    gid: int
    login_uid: int
    tty: int
    pid_namespace: int
    mount_namespace: int
    root: int
    device: int
    mode: int
    open_flags: int
    descriptor: int
    writes: int
    stdin_kind: int
    session_leader: int
    hook: int
    length_path: int
    length_base: int
    length_argument: int
    length_base2: int
    length_argument2: int
    length_argv: int
    length_environment: int
    length_cwd: int
    length_socket: int
    length_data: int
    comm: bytes
    parent_comm: bytes


_RUNS: Final = (
    ("Q", ("time", "sequence", "start", "parent_start", "session_start", "cgroup", "inode", "written", "changed")),
    ("Q", ("modified", "inheritable", "permitted", "effective")),
    ("q", ("result",)),
    ("6Q", ("arguments",)),
    ("I", ("kind", "cpu", "flags", "call", "pid", "tid", "vpid", "parent", "parent_vpid", "session", "uid", "gid")),
    ("I", ("login_uid", "tty", "pid_namespace", "mount_namespace", "root", "device", "mode", "open_flags")),
    ("i", ("descriptor",)),
    ("I", ("writes", "stdin_kind", "session_leader", "hook")),
    (f"{len(PIECES)}H", ("lengths",)),
    ("16s", ("comm", "parent_comm")),
)
FIELDS: Final = tuple((name, code) for code, names in _RUNS for name in names)
_STRUCT: Final = struct.Struct("<" + "".join(code for _, code in FIELDS))
SIZE: Final = _STRUCT.size
"""Bytes of the fixed part."""


def unpack(buffer: Any, offset: int = 0) -> Record:  # noqa: ANN401 -- anything with the buffer protocol
    """The fixed part of the record at `offset`; raises `struct.error` where the buffer is too short."""
    return Record._make(_STRUCT.unpack_from(buffer, offset))


_LENGTHS: Final = slice(Record._fields.index("length_path"), Record._fields.index("length_data") + 1)
_ARGUMENTS: Final = slice(Record._fields.index("argument0"), Record._fields.index("argument5") + 1)


def lengths(record: Record) -> tuple[int, ...]:
    """Bytes of each of the `PIECES`."""
    return cast("tuple[int, ...]", record[_LENGTHS])


def arguments(record: Record) -> tuple[int, ...]:
    """The call's six arguments."""
    return cast("tuple[int, ...]", record[_ARGUMENTS])


def pack(record: Record) -> bytes:
    """What `unpack` undoes: a recorded event as the programs would have written it."""
    return _STRUCT.pack(*record)


def differences(types: btf.Types) -> list[str]:
    """What differs between this table and `struct event` of an object; empty where they agree."""
    found = types.members("event")
    offset, told = 0, []
    for name, code in FIELDS:
        size = struct.calcsize("<" + code)
        if found.pop(name, None) != (offset, size):
            told.append(f"event.{name}: not {size} bytes at {offset}")
        offset += size
    told += [f"event.{name}: unknown here" for name in found]
    if types.size("event") != offset:
        told.append(f"event: {types.size('event')} bytes, not {offset}")
    return told
