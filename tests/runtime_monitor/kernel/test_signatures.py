"""Arguments by name."""

import pytest

from runtime_monitor.kernel import calls, signatures

CASES = {
    "a text in place of its address": (
        "openat",
        (2**64 - 100, 1, 2, 3),
        {1: "/x"},
        {"dirfd": -100, "name": "/x", "flags": 2, "mode": 3},
    ),
    "an address alone is none": ("openat", (3, 1, 2, 3), {}, {"dirfd": 3, "flags": 2, "mode": 3}),
    "what has no name is left out": ("accept4", (3, 1, 2, 0o4000), {}, {"fd": 3, "flags": 0o4000}),
    "a user that stays as it is": ("setresuid", (0xFFFFFFFF, 5, 2**64 - 1), {}, {"ruid": -1, "euid": 5, "suid": -1}),
    "by the event's name": ("fcntl64", (3, 1030, 0), {}, {"fd": 3, "cmd": 1030}),
    "nothing is known of it": ("capset", (1, 2), {}, {}),
}


@pytest.mark.parametrize(("name", "values", "texts", "expected"), CASES.values(), ids=CASES)
def test_arguments(name: str, values: tuple[int, ...], texts: dict[int, str], expected: dict[str, object]) -> None:
    """As Falco calls them."""
    call = next(each for each in calls.CALLS if each.name == name)
    assert signatures.arguments(call, values + (0,) * (6 - len(values)), texts) == expected


def test_signatures_are_of_calls_that_there_are() -> None:
    """And of io_uring's."""
    known = {call.event_type for call in calls.CALLS} | set(calls.URING.values())
    assert not signatures.SIGNATURES.keys() - known
