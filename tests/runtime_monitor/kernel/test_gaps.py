"""What is missing before an event."""

import pytest

from runtime_monitor.kernel.gaps import Gaps

CASES: dict[str, tuple[list[tuple[int, int, int]], list[int]]] = {
    "nothing is missing": ([(0, 5, 0), (0, 6, 0), (1, 9, 0), (0, 7, 0)], [0, 0, 0, 0]),
    "two that did not fit": ([(0, 5, 0), (0, 8, 2), (0, 9, 2)], [0, 2, 0]),
    "each CPU by itself": ([(0, 5, 0), (1, 5, 3), (0, 6, 0), (1, 7, 4)], [0, 0, 0, 1]),
    "late, not lost": ([(0, 5, 0), (0, 7, 0), (0, 6, 0), (0, 8, 0)], [0, 0, 0, 0]),
    "one late and one lost": ([(0, 5, 0), (0, 8, 1), (0, 6, 1)], [0, 1, 0]),
    "what was lost before the first is not its gap": ([(0, 5, 4), (0, 6, 4), (0, 8, 5)], [0, 0, 1]),
}


@pytest.mark.parametrize(("read", "gaps"), CASES.values(), ids=CASES)
def test_gaps(read: list[tuple[int, int, int]], gaps: list[int]) -> None:
    """CPU, sequence number, losses of the CPU so far -> what is missing before."""
    lost: dict[int, int] = {}
    source = Gaps(lambda cpu: lost[cpu])
    found = []
    for cpu, sequence, losses in read:
        lost[cpu] = losses
        found.append(source.before(cpu, sequence))
    assert found == gaps
