"""Whether an argument leads to the container's root."""

import pytest

from runtime_monitor.events import Call, Event, File, Process
from runtime_monitor.kernel.arguments import Arguments
from runtime_monitor.selftest import container
from tests.kernel import able

pytestmark = pytest.mark.kernel


def _event(made: container.Container, name: str | None, pid: int | None = None) -> Event:
    return Event(
        evt=Call(type="unlink"),
        proc=Process(pid=pid or made.pid),
        fd=File(name=name, root=made.device, path_source="argument"),
    )


@pytest.mark.parametrize(
    ("name", "lies"),
    [
        ("/etc/new", True),
        ("/new", True),
        (f"{container.VOLUME}/file", False),
        ("/dev/shm/file", False),  # noqa: S108 -- a name in the container, nothing is written
        ("/proc/self/oom_score_adj", False),
        ("/no/such/folder/file", None),
        (None, None),
    ],
)
def test_a_mount_on_the_way_tells(name: str | None, lies: bool | None) -> None:  # noqa: FBT001 -- the expectation
    """By the container's own mounts; what is gone is not known."""
    able.to_make_containers()
    with container.running() as made:
        assert Arguments().lies_on_root(_event(made, name)) is lies


def test_where_the_process_is_gone_another_of_the_root_is_asked() -> None:
    """An rm is over before its event is read; the container's own program still runs."""
    able.to_make_containers()
    with container.running() as made:
        known, gone = Arguments(), 2**22 + 1
        assert known.lies_on_root(_event(made, "/etc/x", gone)) is None
        known.settle(made.device, made.pid)
        assert known.lies_on_root(_event(made, "/etc/x", gone)) is True
        known.forget(made.device)
        known.see(_event(made, None))
        assert known.lies_on_root(_event(made, f"{container.VOLUME}/x", gone)) is False


def test_a_process_that_ends_soon_does_not_take_the_place_of_one_that_lives() -> None:
    """The last exec may have been an rm, the first one was the entry point."""
    able.to_make_containers()
    with container.running() as made:
        known, gone = Arguments(), 2**22 + 1
        known.see(_event(made, None))
        known.see(_event(made, None, gone))
        assert known.lies_on_root(_event(made, f"{container.VOLUME}/x", gone)) is False


def test_a_process_that_lives_elsewhere_says_nothing() -> None:
    """Its number may have been given again, to one of the host."""
    able.to_make_containers()
    with container.running() as made:
        assert Arguments().lies_on_root(_event(made, "/etc/x", 1)) is None
