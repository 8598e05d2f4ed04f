"""Events that are missing before one that is told: `podseal.gap`.

In: CPU and sequence number of each event, in the order of the ring, and how many the programs have lost on a CPU. Out:
how many of those are missing right before the event. Called by `sensor`. A number that is merely late, since the kernel
preempted the program that had taken it, is no loss: the programs' own counts say so.
"""

from collections.abc import Callable


class Gaps:
    """What was read last of each CPU. `lost` gives the programs' count of a CPU's losses."""

    def __init__(self, lost: Callable[[int], int]) -> None:
        self._lost = lost
        self._last: dict[int, int] = {}
        self._told: dict[int, int] = {}

    def before(self, cpu: int, sequence: int) -> int:
        """The losses between the event before and this one; 0 for the first of a CPU."""
        last = self._last.get(cpu)
        if last is None:
            self._told[cpu] = self._lost(cpu)
        if last is None or sequence == last + 1:
            self._last[cpu] = sequence
            return 0
        if sequence < last:
            return 0
        self._last[cpu] = sequence
        missing = min(sequence - last - 1, self._lost(cpu) - self._told[cpu])
        self._told[cpu] += missing
        return missing
