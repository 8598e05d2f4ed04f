"""The table of system calls."""

import re
from pathlib import Path

import pytest

from runtime_monitor.kernel import calls

HEADERS = ("asm/unistd_64.h", "asm/unistd_32.h")
FOLDERS = (Path("/usr/include/x86_64-linux-gnu"), Path("/usr/include"))
WIDER = ("fchown", "chown", "lchown", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid")
OTHER_NAMES = {"mmap": "mmap2"} | {name: f"{name}32" for name in WIDER}
"""What the 32-bit table calls a call whose 64-bit name we use; its 16-bit ancestor keeps the name there."""


@pytest.mark.parametrize("abi", [0, 1])
def test_numbers_are_the_kernel_s(abi: int) -> None:
    """By the kernel's own headers, as far as they know the call."""
    headers = [folder / HEADERS[abi] for folder in FOLDERS if (folder / HEADERS[abi]).exists()]
    if not headers:
        pytest.skip("needs the kernel's headers: install linux-libc-dev")
    known = {name: int(number) for name, number in re.findall(r"__NR_(\w+) (\d+)", headers[0].read_text())}
    checked = 0
    for call in calls.CALLS:
        name = call.name.removesuffix("16")
        name = OTHER_NAMES.get(call.name, name) if abi else name
        if call.numbers[abi] is not None and name in known:
            assert known[name] == call.numbers[abi], call.name
            checked += 1
    assert checked > 50


def test_no_number_stands_for_two_calls() -> None:
    """In either table."""
    for abi in (0, 1):
        numbers = [call.numbers[abi] for call in calls.CALLS if call.numbers[abi] is not None]
        assert len(numbers) == len(set(numbers))


def test_a_call_is_found_by_the_index_that_an_event_carries() -> None:
    """The 32-bit table comes after the 64-bit one."""
    openat = next(call for call in calls.CALLS if call.name == "openat")
    assert calls.call_of(257) is openat
    assert calls.call_of(calls.TABLE_SIZE + 295) is openat
    assert calls.call_of(calls.TABLE_SIZE - 1) is None


def test_a_symbolic_link_s_target_names_no_place() -> None:
    """Its second path is told as it is."""
    link = calls.call_of(266)
    assert link is not None
    assert (link.directory, link.path, link.directory2, link.path2) == (1, 2, calls.ONLY_TEXT, 0)


def test_the_table_holds_every_shape() -> None:
    """Eight bytes a number."""
    table = calls.table()
    assert len(table) == 8 * 2 * calls.TABLE_SIZE
    assert table[8 * 257 : 8 * 258] == bytes([calls.Slot.OPEN, 0, 1, 255, 255, 255, 2, 0])


def test_a_number_is_switched_on_in_the_table_that_has_the_call() -> None:
    """257 is openat for 64-bit programs, 295 for 32-bit ones; 3 is close and read, 6 lstat and close; 0 is read."""
    on = calls.switches(frozenset())
    assert [on[number] for number in (0, 257, 295, 3, 6)] == [0, 1, 2, 1, 2]


def test_calls_on_demand_are_on_where_a_rule_asks_for_their_type() -> None:
    """All others whatever the rules ask for."""
    for call in calls.CALLS:
        for types in (frozenset[str](), call.carries or frozenset({call.event_type})):
            on = calls.switches(types)
            for abi, number in enumerate(call.numbers):
                if number is not None:
                    assert bool(on[number] & 1 << abi) is (not call.on_demand or bool(types)), call.name
