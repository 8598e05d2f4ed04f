"""Bytes -> Event."""

import errno
import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.events import record as flat
from runtime_monitor.kernel import layout, sockets
from runtime_monitor.kernel.decode import Origin, decode, device_number, kernel_device
from runtime_monitor.kernel.flags import Flag, Hook, Kind
from tests.runtime_monitor.kernel.records import record

ORIGIN = Origin(node="node1", boot="0a1b2c3d", epoch=1_000)
OPENAT, RENAME, SYMLINKAT, OPENAT_32 = 257, 82, 266, 512 + 295
OVERLAY = 73
KINDS = [value for name, value in vars(Kind).items() if name.isupper()]


def _decoded(pieces: dict[str, bytes] | None = None, **values: Any) -> dict[str, Any]:  # noqa: ANN401 -- as `record`
    return flat(decode(record(pieces, **values), ORIGIN))


def test_an_open_for_writing() -> None:
    """The path comes leaf first; the time is the epoch's, the id is node, boot, CPU and sequence."""
    flags = Flag.OBJECT | Flag.WRITE | Flag.ON_ROOT | Flag.CREATED
    data = record(
        {"path": b"x/etc/"}, kind=Kind.OPEN, call=OPENAT, flags=flags, open_flags=os.O_WRONLY, result=3,
        descriptor=3, device=OVERLAY, root=OVERLAY, mode=0o100644, time=500, cpu=1, sequence=7, comm=b"sh\0",
    )  # fmt: skip
    event = decode(data, ORIGIN)
    assert event.id == "node1/0a1b2c3d/1/7"
    assert event.evt.time == 1_500
    said = flat(event)
    assert {name: said[name] for name in ("evt.type", "fd.name", "fd.path_source", "fd.num", "proc.name")} == {
        "evt.type": "openat", "fd.name": "/etc/x", "fd.path_source": "object", "fd.num": 3, "proc.name": "sh",
    }  # fmt: skip
    assert said["drift.kind"] == "write"
    assert said["evt.is_open_write"] is True
    assert said["evt.is_open_read"] is False


def test_an_open_tells_its_path_as_it_was_given_too() -> None:
    """Beside the object's own."""
    said = _decoded(
        {"path": b"passwd/etc/", "argument": b"/srv/../etc/passwd"}, kind=Kind.OPEN, call=OPENAT, flags=Flag.OBJECT
    )
    assert (said["fd.name"], said["fd.nameraw"]) == ("/etc/passwd", "/srv/../etc/passwd")
    assert said["evt.args"]["name"] == "/srv/../etc/passwd"


@pytest.mark.parametrize(
    ("kind", "flags", "pieces"),
    [
        (Kind.NAME, 0, {"base": b"srv/", "argument": b"x", "argument2": b"/etc/shadow"}),
        (Kind.HOOK, Flag.OBJECT, {"path": b"x/srv/", "argument2": b"/etc/shadow"}),
    ],
    ids=["by its argument", "by a hook"],
)
def test_a_symbolic_link_has_a_name_and_a_target(kind: int, flags: int, pieces: dict[str, bytes]) -> None:
    """The target is a text, and no other name of the link."""
    said = _decoded(pieces, kind=kind, flags=flags, call=SYMLINKAT)
    assert (said["fd.name"], said["evt.args"]["target"]) == ("/srv/x", "/etc/shadow")
    assert "podseal.old_name" not in said


def test_a_refused_open_is_an_attempt_on_what_the_argument_says() -> None:
    """Joined with the directory it starts from; the raw text is kept."""
    said = _decoded(
        {"base": b"lib/usr/", "argument": b"../x"},
        kind=Kind.OPEN,
        call=OPENAT,
        result=-errno.EROFS,
        flags=Flag.WRITE | Flag.FAILED,
    )
    assert (said["fd.name"], said["fd.nameraw"], said["fd.path_source"]) == ("/usr/x", "../x", "argument")
    assert (said["evt.res"], said["drift.kind"]) == ("EROFS", "attempt")


def test_an_open_that_finds_nothing_is_told_as_falco_tells_it() -> None:
    """No descriptor, and nothing tried that the root would have to refuse."""
    pieces = {"base": b"/", "argument": b"/usr/../etc/x"}
    said = _decoded(pieces, kind=Kind.OPEN, call=OPENAT, result=-errno.ENOENT, flags=Flag.WRITE, descriptor=-1)
    assert (said["fd.num"], said["fd.typechar"], said["evt.res"], said["fd.name"]) == (-1, "f", "ENOENT", "/etc/x")
    assert "drift.kind" not in said


def test_a_rename_is_about_its_new_name() -> None:
    """The old one stands beside it."""
    said = _decoded({"base": b"etc/", "argument": b"a", "base2": b"/", "argument2": b"/b"}, kind=Kind.NAME, call=RENAME)
    assert (said["fd.name"], said["podseal.old_name"]) == ("/b", "/etc/a")


@pytest.mark.parametrize(
    ("base", "argument", "name"),
    [
        (b"etc/", b"a", "/etc/a"),
        (b"etc/", b"../../../a", "/a"),
        (b"/", b"//a/./b/", "/a/b"),
        (b"jail/srv/", b"/../etc/x", "/srv/jail/etc/x"),
        (b"", b"", "/"),
    ],
    ids=["relative", "dot-dot ends at the root", "slashes", "a changed root is not left by dot-dot", "nothing"],
)
def test_an_argument_is_joined_to_where_it_starts(base: bytes, argument: bytes, name: str) -> None:
    """By the text alone."""
    said = _decoded({"base": base, "argument": argument}, kind=Kind.NAME, call=87)
    assert said.get("fd.name") == (name if argument else None)


def test_an_io_uring_request_is_named_by_the_call_that_does_the_same() -> None:
    """And says by which way it came."""
    said = _decoded({"argument": b"/x", "base": b"/"}, kind=Kind.URING, call=18, flags=Flag.WRITE)
    assert (said["evt.type"], said["evt.args"], said["evt.is_open_write"]) == ("openat", {"io_uring": 18}, True)


@pytest.mark.parametrize(("call", "name"), [(RENAME, "rename"), (0, "rename")], ids=["by a call", "by io_uring"])
def test_a_hook_sees_the_objects_of_a_rename(call: int, name: str) -> None:
    """Named by the call that the task was in, or by what the hook is there for."""
    flags = Flag.OBJECT | Flag.ON_ROOT
    pieces = {"path": b"b/tmp/", "base": b"a/etc/", "argument": b"a", "argument2": b"../tmp/b"}
    said = _decoded(pieces, kind=Kind.HOOK, call=call, hook=Hook.RENAME, flags=flags)
    assert said["fd.nameraw"] == "../tmp/b"
    assert (said["evt.type"], said["fd.path_source"], said["drift.kind"]) == (name, "object", "write")
    assert (said["fd.name"], said["podseal.old_name"]) == ("/tmp/b", "/etc/a")  # noqa: S108 -- a name in the container


def test_a_mount_has_its_arguments_by_name() -> None:
    """Texts in place of their addresses."""
    said = _decoded({"argument": b"/", "argument2": b"none"}, kind=Kind.CALL, call=165, argument3=32)
    assert said["evt.args"] == {"dev": "none", "dir": "/", "type": 0, "flags": 32}


def test_a_32_bit_call_has_the_same_name() -> None:
    """Whichever table it came by."""
    assert _decoded(kind=Kind.OPEN, call=OPENAT_32)["evt.type"] == "openat"


def test_an_exec_that_begins_a_session() -> None:
    """Arguments, working directory, the session's id and how it is connected."""
    said = _decoded(
        {"path": b"sh/bin/", "argv": b"sh\0-c\0true\0", "environment": b"A=1\0", "cwd": b"tmp/"},
        kind=Kind.EXEC, flags=Flag.ENTRY | Flag.ON_ROOT | Flag.OBJECT, session=9, session_start=11, tty=0x8800000,
        stdin_kind=2,
    )  # fmt: skip
    assert (said["proc.exe"], said["proc.argv"], said["proc.cwd"]) == ("sh", ("-c", "true"), "/tmp")  # noqa: S108
    assert (said["exec.session"], said["exec.tty"], said["session.stdin"]) == ("node1/0a1b2c3d/9/11", True, "tty")
    assert "drift.kind" not in said


def test_a_terminal_has_the_number_that_others_give_it() -> None:
    """Of pts/0, as /proc/PID/stat and Falco have it, not the kernel's own."""
    assert _decoded(kind=Kind.EXEC, tty=136 << 20)["proc.tty"] == 34816
    assert _decoded(kind=Kind.EXEC, tty=0)["proc.tty"] == 0


@pytest.mark.parametrize(
    ("flags", "bits"),
    [(0, 0), (Flag.OVERLAY | Flag.WRITABLE, 9), (Flag.OVERLAY | Flag.UPPER, 2), (Flag.MEMFD, 4)],
    ids=["a volume's", "the image's", "a new one", "in memory"],
)
def test_an_executed_file_has_falcos_flags(flags: int, bits: int) -> None:
    """Whether it may be written to, and where it lies."""
    said = _decoded({"argument": b"./x"}, kind=Kind.EXEC, flags=flags)
    assert said["evt.args"] == {"filename": "./x", "flags": bits}


def test_an_exec_tells_who_is_above() -> None:
    """The parent first, each with its start."""
    raw = layout.ANCESTOR.pack(70, 7, b"sh\0") + layout.ANCESTOR.pack(10, 1, b"containerd-shim\0")
    event = decode(record({"ancestors": raw}, kind=Kind.EXEC), ORIGIN)
    assert [(each.pid, each.start, each.name) for each in event.proc.ancestors or ()] == [
        (7, 70, "sh"),
        (1, 10, "containerd-shim"),
    ]


def test_a_memory_file_has_no_place() -> None:
    """Its path is its name, which may hold slashes."""
    path = {"path": b"memfd:runc_cloned:/proc/self/exe/"}
    said = _decoded(path, kind=Kind.EXEC, flags=Flag.MEMFD | Flag.DELETED | Flag.OBJECT)
    assert said["proc.exepath"] == "memfd:runc_cloned:/proc/self/exe"


@pytest.mark.parametrize(
    ("flags", "layer"),
    [
        (Flag.ON_ROOT | Flag.UPPER, "upper"),
        (Flag.MEMFD | Flag.DELETED, "memfd"),
        (Flag.ON_ROOT | Flag.UPPER | Flag.DELETED, "deleted"),
        (0, "volume"),
    ],
)
def test_what_was_executed_was_not_in_the_image(flags: int, layer: str) -> None:
    """By where its file is."""
    said = _decoded({"path": b"x/"}, kind=Kind.EXEC, flags=flags | Flag.OBJECT)
    assert (said["drift.kind"], said["drift.layer"]) == ("exec", layer)


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"a\nb", "/a\nb"), (b"\xff\xfe", "/\udcff\udcfe"), (b" ", "/ "), (b"\x1b[2J", "/\x1b[2J"), (b"..", "/..")],
    ids=["newline", "no UTF-8", "blank", "escape", "dots"],
)
def test_a_hostile_name_is_kept_as_it_is(name: bytes, shown: str) -> None:
    """Nothing raises, nothing is lost."""
    assert _decoded({"path": name + b"/"}, kind=Kind.OPEN, flags=Flag.OBJECT)["fd.name"] == shown


def test_device_numbers_go_both_ways() -> None:
    """As stat tells them and as the kernel does."""
    for device in (os.makedev(0, 73), os.makedev(254, 1), os.makedev(8, 300)):
        assert device_number(kernel_device(device)) == device


FIXED = {"socket": sockets.SIZE}
"""Pieces that are a struct."""


@given(
    st.fixed_dictionaries(
        {},
        optional={
            piece: st.binary(min_size=FIXED.get(piece, 0), max_size=FIXED.get(piece, 40)) for piece in layout.PIECES
        },
    ),
    st.sampled_from(KINDS),
    st.integers(0, 2**19 - 1),
    st.integers(-(2**63), 2**63 - 1),
)
def test_no_bytes_raise(pieces: dict[str, bytes], kind: int, flags: int, result: int) -> None:
    """Whatever a process calls itself, an Event comes out that can be written down."""
    event = decode(record(pieces, kind=kind, flags=flags, result=result, comm=b"\xff\xff", stdin_kind=99), ORIGIN)
    assert msgspec.json.encode({name: str(value).encode(errors="replace") for name, value in flat(event).items()})
