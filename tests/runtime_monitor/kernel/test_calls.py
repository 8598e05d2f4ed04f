"""The table of system calls."""

import contextlib
import ctypes
import fcntl
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_monitor.kernel import calls
from runtime_monitor.kernel.sensor import Sensor
from runtime_monitor.selftest import container
from tests.runtime_monitor.kernel.conftest import Tell, told
from tests.runtime_monitor.kernel.int80 import Int80

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


@pytest.mark.kernel
def test_copies_of_descriptors_are_told_by_what_they_are_of(tell: Tell) -> None:
    """By all ways to make one; what else fcntl(2) does is not told."""

    def play() -> None:
        reading, writing = os.pipe()
        descriptors = {
            "file": os.open("/etc/passwd", os.O_RDONLY),
            "directory": os.open("/etc", os.O_RDONLY),
            "pipe": reading,
            "event": os.eventfd(0),
            "unix": socket.socket(socket.AF_UNIX).detach(),
            "ipv4": socket.socket(socket.AF_INET).detach(),
            "netlink": socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).detach(),
        }
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        for each in descriptors.values():
            fcntl.fcntl(each, fcntl.F_DUPFD, 100)
        libc = ctypes.CDLL(None)
        libc.dup(descriptors["pipe"])
        os.dup2(descriptors["file"], 90)
        os.dup2(descriptors["file"], 91, inheritable=False)
        libc.syscall(33, descriptors["event"], 92)

    found = tell(play)
    copies = [event for event in found["fcntl"] if event.evt.arguments["cmd"] == fcntl.F_DUPFD]
    assert copies == found["fcntl"]
    names = ["file", "directory", "pipe", "event", "unix", "ipv4", "netlink"]
    assert [event.fd.type for event in copies] == names
    assert [event.fd.type_character for event in copies] == list("fdpeu4n")
    assert all((event.fd.number or 0) >= 100 for event in copies)
    assert [event.fd.name for event in copies[:4]] == ["/etc/passwd", "/etc", None, None]
    assert [event.fd.type for event in found["dup"]] == ["pipe"]
    assert {event.fd.number for name in ("dup2", "dup3") for event in found[name]} >= {90, 91, 92}
    assert not any(event.drift.kind for event in copies)


IDENTITIES: dict[str, tuple[Callable[[], object], dict[str, int]]] = {
    "setgid": (lambda: os.setgid(1000), {"gid": 1000}),
    "setregid": (lambda: os.setregid(-1, 1001), {"rgid": -1, "egid": 1001}),
    "setresgid": (lambda: os.setresgid(1, 2, 3), {"rgid": 1, "egid": 2, "sgid": 3}),
    "setuid": (lambda: os.setuid(0), {"uid": 0}),
    "setreuid": (lambda: os.setreuid(-1, 0), {"ruid": -1, "euid": 0}),
    "setresuid": (lambda: os.setresuid(1, 2, 3), {"ruid": 1, "euid": 2, "suid": 3}),
    "setpgid": (lambda: os.setpgid(0, 0), {"pid": 0, "pgid": 0}),
}


@pytest.mark.kernel
def test_changes_of_users_are_told_with_their_numbers(tell: Tell) -> None:
    """Those that change nothing as well, and the refused ones; of the 32-bit table by the same names."""

    def play() -> None:
        for change, _ in IDENTITIES.values():
            with contextlib.suppress(PermissionError):
                change()
        call = Int80()
        assert call.call(213, 0) == -1
        assert call.call(23, 1) == 0

    found = tell(play)
    assert {name: found[name][-1].evt.arguments for name in IDENTITIES if name not in ("setuid", "setpgid")} == {
        name: arguments for name, (_, arguments) in IDENTITIES.items() if name not in ("setuid", "setpgid")
    }
    own, wide, narrow = found["setuid"]
    assert [event.evt.arguments for event in (own, wide, narrow)] == [{"uid": 0}, {"uid": 0}, {"uid": 1}]
    assert [event.evt.result for event in (own, wide, narrow)] == ["SUCCESS", "EPERM", "SUCCESS"]


OTHERS: dict[str, tuple[Callable[[ctypes.CDLL], object], dict[str, int]]] = {
    "userfaultfd": (lambda libc: libc.syscall(323, 1), {"flags": 1}),
    "bpf": (lambda libc: libc.syscall(321, 99, 0, 0), {"cmd": 99}),
    "finit_module": (lambda libc: libc.syscall(313, -1, 0, 0), {"fd": -1, "flags": 0}),
    "init_module": (lambda libc: libc.syscall(175, 0, 5, 0), {"length": 5}),
    "unshare": (lambda libc: libc.unshare(0x4000000), {"flags": 0x4000000}),
    "setns": (lambda libc: libc.setns(-1, 0), {"fd": -1, "nstype": 0}),
    "capset": (lambda libc: libc.syscall(126, 0, 0), {}),
    "ptrace": (lambda libc: libc.syscall(101, 16, 2**30, 0, 0), {"request": 16, "pid": 2**30}),
    "setsid": (lambda libc: libc.setsid(), {}),
}


@pytest.mark.kernel
def test_what_else_rules_ask_for_is_told_however_it_ends(tell: Tell) -> None:
    """An attempt says what somebody is after."""

    def play() -> None:
        libc = ctypes.CDLL(None)
        for act, _ in OTHERS.values():
            act(libc)

    found = tell(play)
    for name, (_, arguments) in OTHERS.items():
        assert found[name], name
        assert arguments.items() <= found[name][-1].evt.arguments.items(), name


@pytest.mark.kernel
def test_nothing_is_told_that_no_rule_asks_for_and_nothing_of_the_host(sensor: Sensor) -> None:
    """The switches may be turned while the programs run."""

    def play() -> None:
        os.dup2(0, 9)
        with contextlib.suppress(ConnectionRefusedError), socket.socket() as made:
            made.connect(("127.0.0.1", 1))

    asked = {"dup2", "connect", "socket"}
    with container.running() as made:
        assert not asked & told(sensor, made, play).keys()
        sensor.sense({"connect"})
        play()
        assert asked & told(sensor, made, play).keys() == {"connect"}
        assert sensor.tampered() == []
        sensor.sense(set())
        assert not asked & told(sensor, made, play).keys()


@pytest.mark.kernel
def test_a_group_s_leader_and_a_new_program_are_told(tell: Tell) -> None:
    """By the kernel's own words: the group of the process, the mode of the file that was made."""

    def play() -> None:
        for path, mode in (("/made", 0o755), ("/made", 0o755), ("/data", 0o644)):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))
        child = os.fork()
        if not child:
            os.close(os.open("/data", os.O_WRONLY))
            os._exit(0)
        os.waitpid(child, 0)

    opens = tell(play)["openat"]
    assert [event.evt.is_open_exec for event in opens] == [True, False, False, False]
    assert [event.proc.is_process_group_leader for event in opens] == [True, True, True, False]
    numbers = [event.evt.num or 0 for event in opens]
    assert numbers == sorted(set(numbers))
