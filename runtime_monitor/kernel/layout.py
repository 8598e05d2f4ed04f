"""The records of the ring as Python reads them: the fields of `struct event` (bpf/events.h), in their order.

Out: `Record`, `unpack(buffer)`, and `differences`, which compares the table with the BTF of a built object, so
that a header changed on one side alone is told before the first record is read. Called by `decode` and `sensor`.
"""

import itertools
import struct
from typing import Any, Final, NamedTuple, cast

from runtime_monitor.kernel import btf

PIECES: Final = (
    *("path", "base", "argument", "base2", "argument2", "argv", "environment", "cwd"),
    *("socket", "data", "ancestors"),
)
"""Names of `enum piece`, in its order: the texts that follow the record's fixed part."""


class Record(NamedTuple):
    """`struct event`: numbers as the kernel has them, `arguments` and `lengths` spread over fields of their own."""

    time: int
    sequence: int
    start: int
    inode: int
    written: int
    kind: int
    cpu: int
    flags: int
    pid: int
    tid: int
    root: int
    device: int
    descriptor: int
    writes: int
    call: int
    parent_start: int
    session_start: int
    cgroup: int
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
    mode: int
    open_flags: int
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
    length_ancestors: int
    comm: bytes
    parent_comm: bytes


_RUNS: Final = (
    ("Q", ("time", "sequence", "start", "inode", "written")),
    ("I", ("kind", "cpu", "flags", "pid", "tid", "root", "device")),
    ("i", ("descriptor",)),
    ("I", ("writes", "call")),
    ("Q", ("parent_start", "session_start", "cgroup", "changed", "modified", "inheritable", "permitted", "effective")),
    ("q", ("result",)),
    ("6Q", ("arguments",)),
    ("I", ("vpid", "parent", "parent_vpid", "session", "uid", "gid", "login_uid", "tty", "pid_namespace")),
    ("I", ("mount_namespace", "mode", "open_flags", "stdin_kind", "session_leader", "hook")),
    (f"{len(PIECES)}H", ("lengths",)),
    ("6x", ("zero",)),
    ("16s", ("comm", "parent_comm")),
)
FIELDS: Final = tuple((name, code) for code, names in _RUNS for name in names)
_STRUCT: Final = struct.Struct("<" + "".join(code for _, code in FIELDS))
ANCESTOR: Final = struct.Struct("<QI4x16s")
"""One `struct ancestor` of the piece `ancestors`: start, pid, name."""
SIZE: Final = _STRUCT.size
"""Bytes of the fixed part."""
_SUMMARY: Final = itertools.takewhile(lambda field: field[0] != "parent_start", FIELDS)
SUMMARY_SIZE: Final = struct.calcsize("<" + "".join(code for _, code in _SUMMARY))
"""Bytes of a summary's record, which ends before `parent_start`."""


def unpack(buffer: Any) -> Record:  # noqa: ANN401 -- anything with the buffer protocol
    """The fixed part of a record, zero where a summary's has nothing; raises `struct.error` where it is too short."""
    if len(buffer) == SUMMARY_SIZE:
        buffer = bytes(buffer) + bytes(SIZE - SUMMARY_SIZE)
    return Record._make(_STRUCT.unpack_from(buffer))


_LENGTHS: Final = slice(Record._fields.index("length_path"), Record._fields.index("length_ancestors") + 1)
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
