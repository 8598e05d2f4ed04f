"""Sessions by kind, and what was copied in them."""

from typing import Any

import msgspec
import pytest

from runtime_monitor.enrich import pod_spec, sessions
from runtime_monitor.events import Container, Drift, Event, File, Process, Session
from tests.runtime_monitor import made

FACTS = pod_spec.Facts(
    name="shop-1",
    namespace="shop",
    uids=("u-1",),
    labels={},
    service_account=None,
    node=None,
    commands={"web": frozenset({("cat", "/ready"), ("sh", "-c", "true")})},
    ephemeral=frozenset({"debugger"}),
    digests={},
)


def stage(facts: pod_spec.Facts | None = FACTS) -> sessions.Sessions:
    """Sessions of a node whose every pod has these facts."""
    return sessions.Sessions(lambda uid: facts if uid else None)


@pytest.mark.parametrize(
    ("reason", "event", "kind"),
    [
        ("kubectl exec", made.entered("ls", "/"), "exec"),
        ("after runc has ended the shim is the parent", made.executed(
            "ls", parent="containerd-shim", session=made.entry()), "exec"),
        ("crun", made.executed("ls", parent="crun", session=made.entry()), "exec"),
        ("runc in the middle of its work", made.executed("ls", parent="runc:[2:INIT]", session=made.entry()), "exec"),
        ("a probe", made.entered("cat", "/ready"), "probe"),
        ("a probe's words at a terminal", made.entered("cat", "/ready", tty=True), "exec"),
        ("a probe's words with input", made.entered("cat", "/ready", stdin="pipe"), "exec"),
        ("a probe's words and more", made.entered("cat", "/ready", "/etc/shadow"), "exec"),
        ("a probe of another container", made.executed(
            "cat", "/ready", session=made.entry(), container=Container(id="b", full_id="b", name="other")), "exec"),
        ("nsenter from the host", made.entered("sh", in_cgroup=False), "nsenter"),
        ("a probe's words by nsenter", made.entered("cat", "/ready", in_cgroup=False), "nsenter"),
        ("by a parent that is no runtime", made.executed("sh", parent="python3", session=made.entry()), "unknown"),
        ("begun before the monitor", made.event(session=made.inside()), "unknown"),
        ("an ephemeral container that shares a pid namespace", made.executed(
            "sh", session=made.entry(), container=Container(id="d", full_id="d", name="debugger")), "debug"),
    ],
)  # fmt: skip
def test_a_session_has_a_kind(reason: str, event: Event, kind: str) -> None:
    """By its parent, its cgroup, its command and the pod's spec."""
    assert stage()(event).session.kind == kind, reason


def test_without_the_pod_a_probe_is_an_exec() -> None:
    """Nobody says that the command is a probe: it is told."""
    assert stage(None)(made.entered("cat", "/ready")).session.kind == "exec"


def test_the_tree_carries_how_it_began() -> None:
    """A write much later tells kind, terminal, input and first command, but is no entry."""
    tracking = stage()
    tracking(made.entered("sh", tty=True, stdin="tty"))
    session = tracking(made.written("/etc/x")).session
    assert (session.kind, session.tty, session.stdin, session.command) == ("exec", True, "tty", ("sh",))
    assert session.entry is None


def test_an_ephemeral_container_is_a_session() -> None:
    """The kernel sees a container like any other; its first exec begins the session, the rest belongs to it."""
    tracking = stage()
    container = Container(id="d" * 12, full_id="d" * 64, name="debugger")
    first = tracking(made.executed("sh", parent="runc", container=container, session=Session()))
    later = tracking(made.event(container=container, session=Session(), drift=Drift(kind="write")))
    assert (first.session.kind, first.session.entry) == ("debug", True)
    assert (later.session.id, later.session.kind, later.session.entry) == (first.session.id, "debug", None)


def test_the_containers_own_processes_have_no_session() -> None:
    """Nothing is added to what belongs to daily life."""
    event = made.executed("nginx")
    assert stage()(event) is event


def copied(tracking: sessions.Sessions, *events: Event) -> list[tuple[str | None, tuple[str, ...] | None]]:
    """Direction and paths of each event."""
    return [(found.drift.copy_direction, found.drift.copy_paths) for found in map(tracking, events)]


def test_a_copy_in_is_told_at_its_end() -> None:
    """With every path that was written; the writes themselves are marked as its own."""
    found = copied(
        stage(), made.entered("tar", "-xmf", "-", "-C", "/srv", stdin="pipe"), made.written("/srv/a"),
        made.written("/srv/b"), made.written("/srv/a"), made.ended(),
    )  # fmt: skip
    assert found == [("in", ("/srv",)), *[("in", None)] * 3, ("in", ("/srv/a", "/srv/b"))]


def test_a_copy_into_a_volume_names_the_folder() -> None:
    """Writes to a volume are not watched: the folder is what is known."""
    found = copied(stage(), made.entered("tar", "-xmf", "-", "-C", "/data", stdin="pipe"), made.ended())
    assert found[-1] == ("in", ("/data",))


def test_a_copy_out_is_told_at_its_end() -> None:
    """What was asked for, whether or not it was read."""
    found = copied(stage(), made.entered("tar", "cf", "-", "/etc/shadow"), made.ended())
    assert found[-1] == ("out", ("/etc/shadow",))


def test_a_copy_without_tar_is_known_by_what_it_does() -> None:
    """`cat > f` with input: the writes are told each, and the copy at the end."""
    cat = Process(pid=101, start=6, parent=100)
    found = copied(
        stage(), made.entered("sh", "-c", "cat > /etc/x", stdin="pipe"), made.written("/etc/x", proc=cat), made.ended()
    )
    assert found == [(None, None), (None, None), ("in", ("/etc/x",))]


@pytest.mark.parametrize(("stdin", "tty"), [("null", False), ("tty", True), ("pipe", True)])
def test_without_input_from_a_program_nothing_is_copied(stdin: str, tty: bool) -> None:  # noqa: FBT001 -- a table
    """Somebody at a terminal who writes a file, copies nothing."""
    assert (
        copied(stage(), made.entered("sh", stdin=stdin, tty=tty), made.written("/etc/x"), made.ended())
        == [(None, None)] * 3
    )


def test_what_others_write_beside_the_archiver_is_told_by_itself() -> None:
    """A copy does not cover what a child of it does."""
    other = Process(pid=101, start=6, parent=100)
    found = copied(stage(), made.entered("tar", "-xmf", "-", stdin="pipe"), made.written("/etc/x", proc=other))
    assert found[-1] == (None, None)


def test_a_copy_that_goes_on_is_told_in_between() -> None:
    """A program called tar that never ends hides nothing: every ten seconds it is told with what it wrote since."""
    late = (sessions.COPY_SECONDS + 2) * made.SECOND
    found = copied(
        stage(), made.entered("tar", "-xmf", "-", stdin="pipe"), made.written("/a"), made.written("/b", time=late),
        made.written("/c", time=late + 1), made.ended(),
    )  # fmt: skip
    assert found[1:] == [("in", None), ("in", ("/a", "/b")), ("in", None), ("in", ("/c",))]


def test_paths_and_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a million files, and a million sessions."""
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 3)
    tracking = stage()
    tracking(made.entered("tar", "-xmf", "-", stdin="pipe"))
    for number in range(sessions.MOST_PATHS + 5):
        tracking(made.written(f"/srv/{number}"))
    assert len(tracking(made.ended()).drift.copy_paths or ()) == sessions.MOST_PATHS
    for number in range(10):
        tracking(made.executed("ls", session=made.entry(id=f"s-{number}")))
        container = Container(id="d", full_id=f"{number}", name="debugger")
        tracking(made.executed("sh", container=container, session=Session()))
    assert len(tracking._tracked) == len(tracking._debug) == 3


def test_only_writes_on_a_root_with_a_name_are_paths() -> None:
    """A refused open or one without a path adds none."""
    tracking = stage()
    tracking(made.entered("tar", "-xmf", "-", stdin="pipe"))
    nameless: Any = msgspec.structs.replace(made.written("/x"), fd=File(root=made.ROOT))
    attempt = msgspec.structs.replace(made.written("/y"), drift=Drift(kind="attempt"))
    assert copied(tracking, nameless, attempt, made.ended())[-1] == ("in", (".",))
