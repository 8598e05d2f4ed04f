"""Names by the container's own passwd, however hostile that file is."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.enrich import rooted, users
from runtime_monitor.events import Call, Container, Event, Process, User

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n"


@pytest.mark.parametrize(
    ("reason", "data", "expected"),
    [
        ("two users", PASSWD, {0: "root", 1000: "web"}),
        ("the first line of a number counts", b"root:x:0:0\ntoor:x:0:0\n", {0: "root"}),
        ("no numbers, no names, no columns", b"a:x:b:0\n:x:1:1\nroot\n\n#:\n", {}),
        ("negative and signed numbers", b"a:x:-1:0\nb:x:+2:0\nc:x: 3:0\n", {}),
        ("a number of many digits", b"a:x:" + b"9" * 5000 + b":0\n", {}),
        ("a name of many characters", b"a" * 300 + b":x:7:0\n", {}),
        ("a name that is no UTF-8", b"\xff\xfe:x:7:0\n", {7: "\ufffd\ufffd"}),
        ("too many lines", b"a:x:1:1\n" * 5000 + b"b:x:2:2\n", {1: "a"}),
        ("without an end of line", b"a:x:1:1", {1: "a"}),
    ],
)
def test_a_file_gives_names(reason: str, data: bytes, expected: dict[int, str]) -> None:
    """passwd(5) and group(5) read alike: the name, and the number in the third column."""
    assert users.names(data) == expected, reason


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    """No file breaks the reading, and every name has a number of 32 bits or so."""
    assert all(0 <= number < 10**10 for number in users.names(data))


def event(kind: str = "execve", pid: int | None = None) -> Event:
    """Something that this very process did, which stands in for one of a container."""
    container = Container(full_id="a" * 64)
    proc = Process(pid=pid or os.getpid())
    return Event(evt=Call(type=kind), proc=proc, container=container, user=User(uid=0, gid=0))


def test_a_name_comes_from_the_root_of_the_process() -> None:
    """This process's own root has root in its passwd."""
    assert users.Users()(event()).user == User(uid=0, name="root", gid=0, group="root")


@pytest.mark.parametrize(("login_uid", "name"), [(0, "root"), (-1, None), (None, None)])
def test_who_has_logged_in_has_a_name(login_uid: int | None, name: str | None) -> None:
    """Where somebody has."""
    happened = event()
    user = msgspec.structs.replace(happened.user, login_uid=login_uid)
    assert users.Users()(msgspec.structs.replace(happened, user=user)).user.login_name == name


def test_an_ended_process_takes_the_names_its_container_had() -> None:
    """A pid that is gone: nothing at first, then what an earlier process of the container showed."""
    source = users.Users()
    gone = event(pid=2**22 + 1)
    assert source(gone).user.name is None
    source(event())
    assert source(gone).user.name == "root"
    source.forget("a" * 64)
    assert source(gone).user.name is None


def test_another_process_of_the_container_stands_in() -> None:
    """For one that has ended before anybody looked."""
    assert users.Users()(event(pid=2**22 + 1), os.getpid()).user.name == "root"


def test_outside_of_containers_nothing_is_read() -> None:
    """The host's processes have the host's names, which are not asked for."""
    outside = msgspec.structs.replace(event(), container=Container(id="host"))
    assert users.Users()(outside) is outside


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next process that starts, not at each write."""
    (tmp_path / "etc").mkdir()
    passwd = tmp_path / "etc" / "passwd"
    passwd.write_bytes(b"admin:x:0:0\n")
    monkeypatch.setattr(rooted, "open_root", lambda _pid: os.open(tmp_path, os.O_PATH))
    source = users.Users()
    assert source(event()).user.name == "admin"
    passwd.write_bytes(b"changed:x:0:0\n")
    os.utime(passwd, ns=(1, 1))
    assert source(event("openat")).user.name == "admin"
    assert source(event()).user.name == "changed"


def test_many_containers_are_forgotten_again() -> None:
    """What was read longest ago goes first."""
    source = users.Users()
    for number in range(users.MOST_CONTAINERS + 2):
        source(msgspec.structs.replace(event(), container=Container(full_id=f"{number:064x}")))
    assert len(source._known) == users.MOST_CONTAINERS
