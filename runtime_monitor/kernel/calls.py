"""The system calls that can change a file or leave a container: one line each, the only list of them.

Out: `CALLS`; `table()`, the bytes that the programs get as `calls` before they are loaded (bpf/lib/call.bpf.h gives the
struct); `switches()`, which of them are followed up, while they run. `call_of` turns an event's `call` back.
Numbers are those of arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl; a position counts a call's arguments
from 0.
"""

import enum
import struct
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

TABLE_SIZE: Final = 512
NOWHERE: Final = -1
ONLY_TEXT: Final = -2
"""As `directory2`: `path2` is told as it is and names no place."""


class Slot(enum.IntEnum):
    """Which program follows a call up: the order of `enum slot`; the value is its place in the map `followers`."""

    OPEN = 1
    WRITE = 2
    DESCRIPTOR = 3
    MMAP = 4
    CLOSE = 5
    NAME = 6
    OTHER = 7
    SOCKET = 8
    SOCKETCALL = 9
    DUPLICATE = 10


class Role(enum.IntEnum):
    """Which end of a connection a call makes ours: `enum role`."""

    NONE = 0
    CLIENT = 1
    SERVER = 2


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call: its numbers in the 64-bit and the 32-bit table (None: it has none) and where its arguments are.

    `flags` below -1 is the position, negated, of a pointer to the flags. `on_demand`: followed up only where a rule
    asks for its events; all others are what podseal itself tells or keeps count by.
    `carries`: the calls that are made through this one.
    """

    name: str
    slot: Slot
    numbers: tuple[int | None, int | None]
    directory: int = NOWHERE
    path: int = NOWHERE
    directory2: int = NOWHERE
    path2: int = NOWHERE
    descriptor: int = NOWHERE
    flags: int = NOWHERE
    on_demand: bool = False
    carries: frozenset[str] = frozenset()

    @property
    def event_type(self) -> str:
        """What an event of it is called: Falco's name, which leaves out what only 32-bit programs tell apart."""
        return "pwrite" if self.name == "pwrite64" else self.name.removesuffix("16").removesuffix("64")


@dataclass(frozen=True)
class Places:
    """Positions of the arguments of a call on a socket. Without `descriptor` its result is one."""

    descriptor: int = NOWHERE
    address: int = NOWHERE
    message: int = NOWHERE  # a struct msghdr
    data: int = NOWHERE
    many: bool = False  # the result counts messages, of which the first one is looked at


def _open(name: str, n64: int, n32: int, positions: tuple[int, int], flags: int) -> Call:
    """`positions` of directory and path."""
    return Call(name=name, slot=Slot.OPEN, numbers=(n64, n32), directory=positions[0], path=positions[1], flags=flags)


def _write(name: str, n64: int | None, n32: int | None, descriptor: int = 0) -> Call:
    return Call(name=name, slot=Slot.WRITE, numbers=(n64, n32), descriptor=descriptor)


def _on(name: str, n64: int | None, n32: int | None, mode: int = NOWHERE) -> Call:
    """`mode`: the position of a file mode."""
    return Call(name=name, slot=Slot.DESCRIPTOR, numbers=(n64, n32), descriptor=0, flags=mode)


def _by_name(name: str, n64: int | None, n32: int | None, *, directory: int = NOWHERE, path: int = 0) -> Call:
    return Call(name=name, slot=Slot.NAME, numbers=(n64, n32), directory=directory, path=path)


def _symlink(name: str, n64: int, n32: int, *, path: int, directory: int = NOWHERE) -> Call:
    """The target stands first."""
    return replace(_by_name(name, n64, n32, directory=directory, path=path), directory2=ONLY_TEXT, path2=0)


def _two_names(name: str, n64: int, n32: int, first: tuple[int, int], second: tuple[int, int]) -> Call:
    """`first` and `second`: the positions of directory and path, of the old and of the new name."""
    return Call(
        name=name,
        slot=Slot.NAME,
        numbers=(n64, n32),
        directory=first[0],
        path=first[1],
        directory2=second[0],
        path2=second[1],
    )


def _other(name: str, n64: int, n32: int, texts: tuple[int, int] = (NOWHERE, NOWHERE)) -> Call:
    """`texts`: the positions of up to two strings."""
    return Call(name=name, slot=Slot.OTHER, numbers=(n64, n32), path=texts[0], path2=texts[1])


def _socket(name: str, n64: int | None, n32: int | None, places: Places, role: Role | None = None) -> Call:
    """A call on a socket."""
    return Call(
        name=name,
        slot=Slot.SOCKET,
        numbers=(n64, n32),
        descriptor=places.descriptor,
        path=places.address,
        directory=places.message,
        path2=places.data,
        directory2=0 if places.many else NOWHERE,
        flags=NOWHERE if role is None else role,
        on_demand=True,
    )


def _copy(name: str, n64: int | None, n32: int, command: int = NOWHERE) -> Call:
    """A call that gives a copy of a descriptor; `command`: the position of fcntl's."""
    return Call(name=name, slot=Slot.DUPLICATE, numbers=(n64, n32), flags=command, on_demand=True)


def _plain(name: str, n64: int | None, n32: int | None) -> Call:
    """A call of which rules ask nothing but its arguments and its result."""
    return Call(name=name, slot=Slot.OTHER, numbers=(n64, n32), on_demand=True)


CALLS: Final = (
    _open("open", 2, 5, (NOWHERE, 0), flags=1),
    _open("creat", 85, 8, (NOWHERE, 0), flags=NOWHERE),
    _open("openat", 257, 295, (0, 1), flags=2),
    _open("openat2", 437, 437, (0, 1), flags=-2),
    _open("open_by_handle_at", 304, 342, (NOWHERE, NOWHERE), flags=2),
    _write("write", 1, 4),
    _write("pwrite64", 18, 181),
    _write("writev", 20, 146),
    _write("pwritev", 296, 334),
    _write("pwritev2", 328, 379),
    _write("sendfile", 40, 187),
    _write("sendfile64", None, 239),
    _write("splice", 275, 313, descriptor=2),
    _write("copy_file_range", 326, 377, descriptor=2),
    _on("ftruncate", 77, 93),
    _on("ftruncate64", None, 194),
    _on("fallocate", 285, 324),
    _on("fchmod", 91, 94, mode=1),
    _on("fchown", 93, 207),
    _on("fchown16", None, 95),
    _on("fsetxattr", 190, 228),
    _on("fremovexattr", 199, 237),
    Call(name="mmap", slot=Slot.MMAP, numbers=(9, 192), descriptor=4),
    Call(name="close", slot=Slot.CLOSE, numbers=(3, 6), descriptor=0),
    _by_name("unlink", 87, 10),
    _by_name("unlinkat", 263, 301, directory=0, path=1),
    _by_name("rmdir", 84, 40),
    _by_name("mkdir", 83, 39),
    _by_name("mkdirat", 258, 296, directory=0, path=1),
    _by_name("mknod", 133, 14),
    _by_name("mknodat", 259, 297, directory=0, path=1),
    _by_name("truncate", 76, 92),
    _by_name("truncate64", None, 193),
    _by_name("chmod", 90, 15),
    _by_name("fchmodat", 268, 306, directory=0, path=1),
    _by_name("fchmodat2", 452, 452, directory=0, path=1),
    _by_name("chown", 92, 212),
    _by_name("chown16", None, 182),
    _by_name("lchown", 94, 198),
    _by_name("lchown16", None, 16),
    _by_name("fchownat", 260, 298, directory=0, path=1),
    _by_name("setxattr", 188, 226),
    _by_name("lsetxattr", 189, 227),
    _by_name("removexattr", 197, 235),
    _by_name("lremovexattr", 198, 236),
    _by_name("setxattrat", 463, 463, directory=0, path=1),
    _by_name("removexattrat", 466, 466, directory=0, path=1),
    _symlink("symlink", 88, 83, path=1),
    _symlink("symlinkat", 266, 304, directory=1, path=2),
    _two_names("rename", 82, 38, (NOWHERE, 0), (NOWHERE, 1)),
    _two_names("renameat", 264, 302, (0, 1), (2, 3)),
    _two_names("renameat2", 316, 353, (0, 1), (2, 3)),
    _two_names("link", 86, 9, (NOWHERE, 0), (NOWHERE, 1)),
    _two_names("linkat", 265, 303, (0, 1), (2, 3)),
    _other("mount", 165, 21, (1, 0)),
    _other("umount2", 166, 52, (0, NOWHERE)),
    _other("mount_setattr", 442, 442, (1, NOWHERE)),
    _other("fsconfig", 431, 431),
    _other("move_mount", 429, 429, (1, 3)),
    _other("pivot_root", 155, 217, (0, 1)),
    _other("chroot", 161, 61, (0, NOWHERE)),
    _other("setns", 308, 346),
    _other("unshare", 272, 310),
    _other("ptrace", 101, 26),
    _other("process_vm_writev", 311, 348),
    _other("memfd_create", 319, 356, (0, NOWHERE)),
    _other("bpf", 321, 357),
    _other("init_module", 175, 128),
    _other("finit_module", 313, 350),
    _socket("socket", 41, 359, Places()),
    _socket("bind", 49, 361, Places(0)),
    _socket("connect", 42, 362, Places(0, address=1), Role.CLIENT),
    _socket("listen", 50, 363, Places(0), Role.SERVER),
    _socket("accept", 43, None, Places(), Role.SERVER),
    _socket("accept4", 288, 364, Places(), Role.SERVER),
    _socket("sendto", 44, 369, Places(0, address=4, data=1)),
    _socket("recvfrom", 45, 371, Places(0, address=4, data=1)),
    _socket("sendmsg", 46, 370, Places(0, message=1)),
    _socket("recvmsg", 47, 372, Places(0, message=1)),
    _socket("sendmmsg", 307, 345, Places(0, message=1, many=True)),
    _socket("recvmmsg", 299, 337, Places(0, message=1, many=True)),
    Call(
        name="socketcall",
        slot=Slot.SOCKETCALL,
        numbers=(None, 102),
        on_demand=True,
        carries=frozenset(
            {"socket", "bind", "connect", "listen", "accept", "accept4", "sendto", "recvfrom"}
            | {"sendmsg", "recvmsg", "sendmmsg", "recvmmsg"}
        ),
    ),
    _copy("dup", 32, 41),
    _copy("dup2", 33, 63),
    _copy("dup3", 292, 330),
    _copy("fcntl", 72, 55, command=1),
    _copy("fcntl64", None, 221, command=1),
    _plain("setuid", 105, 213),
    _plain("setuid16", None, 23),
    _plain("setgid", 106, 214),
    _plain("setgid16", None, 46),
    _plain("setreuid", 113, 203),
    _plain("setreuid16", None, 70),
    _plain("setregid", 114, 204),
    _plain("setregid16", None, 71),
    _plain("setresuid", 117, 208),
    _plain("setresuid16", None, 164),
    _plain("setresgid", 119, 210),
    _plain("setresgid16", None, 170),
    _plain("setsid", 112, 66),
    _plain("setpgid", 109, 57),
    _plain("capset", 126, 185),
    _plain("userfaultfd", 323, 374),
)

URING: Final = {
    2: "writev",
    5: "write",
    17: "fallocate",
    18: "openat",
    23: "write",
    28: "openat2",
    30: "splice",
    35: "renameat2",
    36: "unlinkat",
    37: "mkdirat",
    38: "symlinkat",
    39: "linkat",
    41: "fsetxattr",
    55: "ftruncate",
}
"""io_uring's opcodes (include/uapi/linux/io_uring.h) by the name of the call that does the same."""

_SHAPE: Final = struct.Struct("7b?")
_BY_INDEX: Final = {
    number + abi * TABLE_SIZE: call for call in CALLS for abi, number in enumerate(call.numbers) if number is not None
}


def table() -> bytes:
    """The programs' constant `calls`: one shape of 8 bytes for each number of each table."""
    shapes = bytearray(_SHAPE.size * TABLE_SIZE * 2)
    for index, call in _BY_INDEX.items():
        shape = (call.slot, call.directory, call.path, call.directory2, call.path2, call.descriptor, call.flags)
        _SHAPE.pack_into(shapes, index * _SHAPE.size, *shape, call.on_demand or call.slot is Slot.OTHER)
    return bytes(shapes)


def switches(event_types: AbstractSet[str]) -> bytes:
    """The value of the programs' map `switches`: which calls are followed up where rules ask for these types.

    One byte for each number: bit 0 for the 64-bit table, bit 1 for the 32-bit one.
    """
    on = bytearray(TABLE_SIZE)
    for index, call in _BY_INDEX.items():
        if not call.on_demand or event_types & (call.carries or {call.event_type}):
            abi, number = divmod(index, TABLE_SIZE)
            on[number] |= 1 << abi
    return bytes(on)


def demanded(event_types: AbstractSet[str]) -> list[str]:
    """The names of the calls that are followed up only because rules ask for these types."""
    return [call.name for call in CALLS if call.on_demand and event_types & (call.carries or {call.event_type})]


def call_of(index: int) -> Call | None:
    """The call that an event's `call` stands for."""
    return _BY_INDEX.get(index)
