"""Calls of the 32-bit table from this very process: no compiler has to make a program for it.

Machine code that executes `int 0x80`, and memory below 4 GiB for what its pointers lead to.
"""

import ctypes
import mmap
import struct

_MAP_32BIT = 0x40
_CODE = (
    b"\x53\x55"  # push rbx; push rbp
    b"\x89\xf8\x89\xf3"  # mov eax, edi; mov ebx, esi
    b"\x51\x89\xd1\x5a"  # push rcx; mov ecx, edx; pop rdx
    b"\x44\x89\xc6\x44\x89\xcf\x31\xed"  # mov esi, r8d; mov edi, r9d; xor ebp, ebp
    b"\xcd\x80\x48\x98"  # int 0x80; cdqe
    b"\x5d\x5b\xc3"  # pop rbp; pop rbx; ret
)
_SIZE = 4096


class Int80:
    """`call(number, *arguments)` -> the result; `put(data)` -> an address below 4 GiB."""

    def __init__(self) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_32BIT
        self._memory = mmap.mmap(-1, _SIZE, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(_CODE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        words = (ctypes.c_uint,) * 6
        self._function = ctypes.CFUNCTYPE(ctypes.c_long, *words)(self._start)

    def put(self, data: bytes) -> int:
        """Keep these bytes; their address."""
        at = self._memory.tell()
        self._memory.write(data.ljust(-(-len(data) // 8) * 8, b"\0"))
        return self._start + at

    def call(self, number: int, *arguments: int) -> int:
        """The call of this number in syscall_32.tbl; negative is an error."""
        return int(self._function(number, *arguments, *(0,) * (5 - len(arguments))))

    def socketcall(self, which: int, *arguments: int) -> int:
        """Make the call that has this number in linux/net.h."""
        return self.call(102, which, self.put(struct.pack(f"<{len(arguments)}I", *arguments)))
