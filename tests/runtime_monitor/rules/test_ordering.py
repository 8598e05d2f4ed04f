"""The order of checks; that it changes no truth is tested with `compile`."""

import pytest

from runtime_monitor.rules import ordering, resolve
from tests.runtime_monitor.rules import given

ORDERED = {
    "proc.cmdline contains x and proc.name = y": "proc.name = y and proc.cmdline contains x",
    "proc.cmdline contains x or proc.name = y": "proc.name = y or proc.cmdline contains x",
    "container.id != host and proc.name = y": "proc.name = y and container.id != host",
    "not proc.name = y and fd.name startswith /x": "fd.name startswith /x and not proc.name = y",
    "proc.aname = x and (proc.name = a or proc.name = b)": "(proc.name = a or proc.name = b) and proc.aname = x",
}


@pytest.mark.parametrize("condition", ORDERED)
def test_the_cheap_and_selective_comes_first(condition: str) -> None:
    """In `and` what is rarely true, in `or` what is cheap to see."""
    assert resolve.render(ordering.order(given.resolved(condition))) == ORDERED[condition]
