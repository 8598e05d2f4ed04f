"""Has the counts of further writes told while their files stay open, whether they are written to again or not.

In: the descriptor of the program `sweep` (bpf/sweep.bpf.c) and the time. Out: nothing here; the counts come through the
ring. Called by `sensor` before it reads.
"""

import struct
from typing import Final

from runtime_monitor.kernel.libbpf import check, ffi, library

AFTER: Final = 10 * 10**9
"""Nanoseconds after which a count is told."""
PERIOD: Final = 10**9
"""Nanoseconds between two looks at all counts: some ten microseconds each."""
_CONTEXT: Final = struct.Struct("Q8x")


class Idle:
    """Runs the program; times are nanoseconds since boot, as the programs have them."""

    def __init__(self, program: int) -> None:
        self._program = program
        self._next = 0

    def look(self, now: int) -> None:
        """Tell what has been counted for long, if the last look is a while ago."""
        if now >= self._next:
            self._next = now + PERIOD
            self.tell(now - AFTER)

    def tell(self, before: int) -> None:
        """Tell the counts that began before a time."""
        context = ffi.new("char[]", _CONTEXT.pack(max(before, 0)))
        options = ffi.new("struct bpf_test_run_opts *")
        options.sz = ffi.sizeof("struct bpf_test_run_opts")
        options.ctx_in, options.ctx_size_in = context, _CONTEXT.size
        check("running sweep", library().bpf_prog_test_run_opts(self._program, options))
