"""Events as the kernel's side makes them, for the tests of what comes after it.

In: what differs from the plain event. Out: an Event. A test names only what it is about.
"""

from typing import Any

from runtime_monitor.events import Call, Container, Drift, Event, File, Pod, Process, Session

SECOND = 1_000_000_000
ROOT = 77
NODE, BOOT = "node-1", "0a1b2c3d"
SESSION = f"{NODE}/{BOOT}/100/5"
WEB = Container(id="a" * 12, full_id="a" * 64, name="web", type="containerd", image="shop/web:1")
POD = Pod(name="shop-1", namespace="shop", uid="u-1")


def event(kind: str = "openat", *, time: int = SECOND, sequence: int = 1, **parts: Any) -> Event:  # noqa: ANN401 -- parts
    """An event of process 100 in a container's root."""
    plain: dict[str, Any] = {
        "proc": Process(pid=100, start=5, name="sh", parent=1),
        "fd": File(root=ROOT),
        "container": WEB,
        "pod": POD,
    }
    evt = Call(type=kind, time=time, cpu=0, sequence=sequence, node=NODE, boot=BOOT, result="SUCCESS")
    return Event(**{"evt": evt} | plain | parts)


def executed(*argv: str, parent: str = "runc", **parts: Any) -> Event:  # noqa: ANN401 -- parts of an Event
    """The exec of a program."""
    proc = Process(
        pid=100, start=5, name=argv[0][:15], parent=1, parent_name=parent, exe=argv[0], arguments=argv[1:],
        exepath=f"/bin/{argv[0].rpartition('/')[2]}", exe_on_root=True,
    )  # fmt: skip
    return event("execve", **{"proc": proc} | parts)


def entered(*argv: str, **session: Any) -> Event:  # noqa: ANN401 -- fields of a Session
    """The exec by which somebody came in."""
    return executed(*argv, session=entry(**session))


def entry(**fields: Any) -> Session:  # noqa: ANN401 -- fields of a Session
    """A session's beginning, as the kernel tells it."""
    plain: dict[str, Any] = {"id": SESSION, "entry": True, "in_cgroup": True, "tty": False, "stdin": "null"}
    return Session(**plain | fields)


def inside() -> Session:
    """What every further event of the session carries."""
    return Session(id=SESSION)


def written(name: str, **parts: Any) -> Event:  # noqa: ANN401 -- parts of an Event
    """A file opened for writing on the root, in the session."""
    return event(
        "openat",
        **{"fd": File(root=ROOT, name=name), "drift": Drift(kind="write"), "session": inside()} | parts,
    )


def ended() -> Event:
    """The end of the session's first process."""
    return event("procexit", session=inside())
