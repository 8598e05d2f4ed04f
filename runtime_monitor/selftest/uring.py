"""io_uring by its bare calls: open and write that pass no open(2) and no write(2).

In: a path, or a descriptor and bytes. Out: the operation's result; `OSError` where the kernel refuses, with ENOSYS or
EPERM where io_uring is switched off. Called by the behaviours. Layout: include/uapi/linux/io_uring.h.
"""

import ctypes
import mmap
import os
import struct
from typing import Final

from runtime_monitor.selftest import linux

SETUP: Final = 425
ENTER: Final = 426
"""Numbers of the calls: the same on every machine."""
_GETEVENTS: Final = 1
_OFF_SQ_RING: Final = 0
_OFF_CQ_RING: Final = 0x800_0000
_OFF_SQES: Final = 0x1000_0000
_OPENAT: Final = 18
_WRITE: Final = 23
_AT_FDCWD: Final = -100
_SQE: Final = struct.Struct("<BBHiQQIIQHHiQQ")
_PARAMETERS: Final = struct.Struct("<10I 8IQ 8IQ")


class Ring:
    """One ring with room for one operation at a time."""

    def __init__(self) -> None:
        parameters = ctypes.create_string_buffer(_PARAMETERS.size)
        self._ring = linux.syscall("io_uring_setup", SETUP, 1, ctypes.addressof(parameters))
        fields = _PARAMETERS.unpack(parameters.raw)
        submission, completion = fields[10:19], fields[19:28]
        self._tail, self._array = submission[1], submission[6]
        self._completion_head, self._completion_tail, self._completions = completion[0], completion[1], completion[5]
        self._mask = completion[2]
        self._submissions = mmap.mmap(self._ring, self._array + 4 * fields[0], offset=_OFF_SQ_RING)
        self._completed = mmap.mmap(self._ring, self._completions + 16 * fields[1], offset=_OFF_CQ_RING)
        self._entries = mmap.mmap(self._ring, _SQE.size * fields[0], offset=_OFF_SQES)

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """IORING_OP_OPENAT; the new descriptor."""
        name = ctypes.create_string_buffer(path.encode())
        return self._submit(path, (_OPENAT, 0, 0, _AT_FDCWD, 0, ctypes.addressof(name), mode, flags))

    def write(self, descriptor: int, data: bytes) -> int:
        """IORING_OP_WRITE; the number of bytes written."""
        buffer = ctypes.create_string_buffer(data, len(data))
        return self._submit("write", (_WRITE, 0, 0, descriptor, 0, ctypes.addressof(buffer), len(data), 0))

    def close(self) -> None:
        """Give everything back."""
        for each in (self._submissions, self._completed, self._entries):
            each.close()
        os.close(self._ring)

    def _submit(self, what: str, entry: tuple[int, ...]) -> int:
        """Fill the entry, move the tail, enter the kernel and wait for the one completion."""
        _SQE.pack_into(self._entries, 0, *entry, 0, 0, 0, 0, 0, 0)
        struct.pack_into("<I", self._submissions, self._array, 0)
        (tail,) = struct.unpack_from("<I", self._submissions, self._tail)
        struct.pack_into("<I", self._submissions, self._tail, tail + 1)
        linux.syscall("io_uring_enter", ENTER, self._ring, 1, 1, _GETEVENTS, None, 0)
        (head,) = struct.unpack_from("<I", self._completed, self._completion_head)
        (mask,) = struct.unpack_from("<I", self._completed, self._mask)
        _, result = struct.unpack_from("<Qi", self._completed, self._completions + 16 * (head & mask))
        struct.pack_into("<I", self._completed, self._completion_head, head + 1)
        if result < 0:
            raise OSError(-result, f"io_uring: {os.strerror(-result)}", what)
        return int(result)
