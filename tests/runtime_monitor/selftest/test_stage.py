"""What a behaviour finds when it is played."""

import pytest

from runtime_monitor.selftest import container, entry, stage

pytestmark = pytest.mark.kernel


@pytest.fixture
def here(running: container.Container) -> stage.Stage:
    """A stage with the folder's container."""
    return stage.Stage(running)


def test_a_program_that_is_not_there(here: stage.Stage) -> None:
    """Is a reason, no failure."""
    with pytest.raises(entry.NotHereError, match="there is no such-program here"):
        here.execute("such-program")


def test_another_container_ends(here: stage.Stage) -> None:
    """With an entry point that ends when it is sent a line."""
    with here.other(container.Configuration(entrypoint=("/bin/sh", "-c", "read -r line"))) as other:
        other.end()


def test_a_shared_pid_namespace(here: stage.Stage) -> None:
    """In which the other container's processes are seen."""
    shared = container.Configuration(share_process_namespace=here.container.pid)
    with here.other(shared) as other:
        assert (
            other.execute("readlink", "/proc/self/ns/pid").output
            == here.execute("readlink", "/proc/self/ns/pid").output
        )


def test_descriptors_are_handed_in(here: stage.Stage) -> None:
    """By the way of an exec."""
    assert here.inheriting(7) == entry.Way(inherit=(7,))
