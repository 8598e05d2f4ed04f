"""The self-test on other kernels, in a virtual machine: the trampoline tier, with both of its ways to attach."""

import dataclasses
import json
import pathlib
import shlex
import sys
import typing

import pytest

from runtime_monitor.selftest import behaviour
from tests.cluster import requirements
from tests.kernel import able
from tests.kernel.vm import debian, machine

pytestmark = pytest.mark.qemu


@dataclasses.dataclass(frozen=True)
class Table:
    """What the self-test printed on a kernel."""

    booted: str
    rows: dict[str, dict[str, typing.Any]]
    tier: str
    said: str


@pytest.fixture(scope="module", params=[machine.WITH_BPF, machine.WITHOUT_BPF], ids=["lsm", "fentry"])
def table(request: pytest.FixtureRequest) -> Table:
    """The self-test's table on Debian's 6.1, once for each way."""
    able.to_make_containers()
    with requirements.or_skip():
        kernel = debian.fetch("6.1.0")
    program = pathlib.Path(sys.executable).parent / "podseal-monitor"
    command = f"cd {shlex.quote(str(pathlib.Path.cwd()))} && {program} selftest --patience 20 -o json"
    outcome = machine.run(kernel, command, security_modules=request.param)
    said, bracket, rows = outcome.output.partition("\n[\n")
    assert bracket, outcome.output
    decoded = json.loads("[" + rows)
    booted = "lsm" if request.param is machine.WITH_BPF else "fentry"
    return Table(booted, {row["behaviour"]: row for row in decoded}, decoded[0]["tier"], said)


def test_the_tier_is_the_trampoline(table: Table) -> None:
    """By the hooks that the kernel was booted with, as the line for the log says."""
    assert table.tier == table.booted, table.said


@pytest.mark.parametrize("name", [each.name for each in behaviour.discover()])
def test_it_is_seen(table: Table, name: str) -> None:
    """The same behaviours, the same fields."""
    row = table.rows[name]
    assert row["seen"] is not False, row["detail"]
    assert row["seen"] or row["detail"]
