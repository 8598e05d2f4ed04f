"""Numbers of the kernel as Falco's names, held against this machine's own."""

import fcntl
import os
import socket
import stat

import pytest

from runtime_monitor.rules import arguments
from tests.runtime_monitor.rules import given


@pytest.mark.parametrize(
    ("event_type", "name", "value", "expected"),
    [
        ("openat", "flags", os.O_RDONLY, "O_RDONLY"),
        ("openat", "flags", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "O_WRONLY|O_CREAT|O_TRUNC"),
        ("open", "flags", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, "O_RDWR|O_APPEND|O_CLOEXEC"),
        ("openat", "flags", 3, "O_NONE"),
        ("openat", "flags", 1 << 40, "O_RDONLY|0x10000000000"),
        ("chmod", "mode", stat.S_ISUID | stat.S_IXUSR, "S_IXUSR|S_ISUID"),
        ("chmod", "mode", 0, "0"),
        ("mount", "flags", 32 | 4096, "REMOUNT|BIND"),
        ("unshare", "flags", 0x10000000 | 0x20000, "CLONE_NEWNS|CLONE_NEWUSER"),
        ("ptrace", "request", 16, "PTRACE_ATTACH"),
        ("ptrace", "request", 999, "999"),
        ("socket", "domain", socket.AF_PACKET, "AF_PACKET"),
        ("execve", "flags", 9, "EXE_WRITABLE|EXE_LOWER_LAYER"),
        ("openat", "flags", "O_RDONLY", "O_RDONLY"),
        ("dup2", "oldfd", 7, "7"),
        ("fcntl", "cmd", fcntl.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"),
    ],
)
def test_a_number_gets_its_names(event_type: str, name: str, value: str | int, expected: str) -> None:
    """Text and what is unknown stay as they are."""
    assert arguments.text(event_type, name, value) == expected


def test_every_o_flag_is_this_machine_s() -> None:
    """O_DIRECT and its neighbours have other numbers on arm64; the sensor runs where these hold."""
    for bit, name in arguments.OPEN.items():
        number = getattr(os, name, None)
        if number and name not in ("O_TMPFILE", "O_SYNC", "O_LARGEFILE"):
            assert number == bit, name


def test_rules_see_names_where_the_sensor_records_numbers() -> None:
    """evt.arg and evt.args alike."""
    event = given.event("openat", evt__args={"flags": os.O_WRONLY | os.O_TRUNC, "mode": 0o600})
    assert given.fires("evt.arg.flags contains O_TRUNC and evt.args contains 'mode=S_IWUSR|S_IRUSR'", event)
