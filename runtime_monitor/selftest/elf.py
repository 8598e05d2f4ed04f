"""Two tiny x86 programs, assembled by hand: no compiler is needed, and no library can come between.

In: the path that they create. Out: the bytes of an executable file. Called by the behaviours of other calling
conventions. Both make the same two 32-bit calls, open(path, O_CREAT | O_WRONLY, 0644) and exit(0 or the errno), by
`int 0x80`; only the file's class differs. A 64-bit program may do so too: the kernel then takes 32-bit numbers and
pointers (arch/x86/entry/entry_64_compat.S), and tracepoints of single 64-bit calls see nothing.
"""

import os
import struct
from typing import Final

BASE: Final = 0x0804_8000
"""Where the program is mapped: below 4 GiB, so that its addresses fit the 32-bit calls."""

I386: Final = 32
X86_64: Final = 64
"""The bits of a program."""

_MACHINES: Final = {I386: (1, 3), X86_64: (2, 62)}
"""bits -> (ELF class, e_machine): elf(5), EM_386 and EM_X86_64."""


def opens_by_int80(path: str, bits: int) -> bytes:
    """An executable of 32 or 64 bits that creates `path` and exits with 0, or with the errno of the refusal."""
    header = 52 + 32 if bits == I386 else 64 + 56
    code = _code(BASE + header + len(_code(0)))
    size = header + len(code) + len(path.encode()) + 1
    elf_class, machine = _MACHINES[bits]
    identification = b"\x7fELF" + bytes((elf_class, 1, 1)) + bytes(9)
    if bits == I386:
        head = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, BASE + header, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        segment = struct.pack("<IIIIIIII", 1, 0, BASE, BASE, size, size, 5, 0x1000)
    else:
        head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, BASE + header, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    return identification + head + segment + code + path.encode() + b"\0"


def _code(path: int) -> bytes:
    """The instructions, with the path's address; the same bytes mean the same to a 32-bit and to a 64-bit processor."""
    flags = os.O_CREAT | os.O_WRONLY
    return b"".join(
        (
            b"\xb8" + struct.pack("<I", 5),  # mov eax, __NR_open
            b"\xbb" + struct.pack("<I", path),  # mov ebx, path
            b"\xb9" + struct.pack("<I", flags),  # mov ecx, flags
            b"\xba" + struct.pack("<I", 0o644),  # mov edx, mode
            b"\xcd\x80",  # int 0x80
            b"\x31\xdb",  # xor ebx, ebx
            b"\x85\xc0",  # test eax, eax
            b"\x79\x04",  # jns over the next two
            b"\xf7\xd8",  # neg eax
            b"\x89\xc3",  # mov ebx, eax
            b"\xb8" + struct.pack("<I", 1),  # mov eax, __NR_exit
            b"\xcd\x80",  # int 0x80
        )
    )
