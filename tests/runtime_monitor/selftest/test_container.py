"""The throw-away container: what it shows, and that nothing is left of it."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from runtime_monitor.enrich import bundles
from runtime_monitor.selftest import container, entry, stage
from tests import waiting
from tests.kernel import able

pytestmark = pytest.mark.kernel


def test_it_has_namespaces_of_its_own(running: container.Container) -> None:
    """All but the network's and the user's."""
    for name in ("pid", "mnt", "uts", "ipc", "cgroup"):
        own = pathlib.Path(f"/proc/self/ns/{name}").readlink()
        assert pathlib.Path(f"/proc/{running.pid}/ns/{name}").readlink() != own, name


def test_its_root_is_an_overlay_of_the_hosts(running: container.Container) -> None:
    """The host's files, the image's own, and a superblock that is not the host's."""
    assert (running.root / "etc/passwd").exists()
    assert (running.root / stage.HOME.lstrip("/") / "kept").read_bytes() == b"of the image\n"
    assert running.device != pathlib.Path("/").stat().st_dev


def test_a_write_lands_in_the_upper_directory(running: container.Container) -> None:
    """And nowhere on the host."""
    entry.call(running, lambda: pathlib.Path("/written").write_bytes(b"x"))
    assert (running.upper / "written").read_bytes() == b"x"
    assert not pathlib.Path("/written").exists()


def test_a_read_only_root_refuses() -> None:
    """As the kubelet's readOnlyRootFilesystem does."""
    able.to_make_containers()
    with container.running(container.Configuration(read_only=True)) as made:
        refused = entry.execute(made, ["/bin/sh", "-c", "echo > /written"])
        assert refused.status != 0
        assert b"Read-only file system" in refused.output


def test_its_bundle_says_what_it_is(running: container.Container) -> None:
    """In the runtime's place and form, so that a monitor finds it as any other one."""
    found = bundles.Bundles(more=(container.BUNDLES,)).read(running.id)
    assert found is not None
    assert (found.container.name, found.container.rootfs_readonly) == (container.NAME, False)
    assert found.container.entrypoint == container.IDLE


def test_nothing_is_left() -> None:
    """No mount, no folder, no cgroup, no process."""
    able.to_make_containers()
    with container.running() as made:
        pass
    _assert_gone(made.id)
    assert not pathlib.Path(f"/proc/{made.pid}").exists()


def test_nothing_is_left_when_the_self_test_is_killed() -> None:
    """The shim notices, for its lease closes."""
    able.to_make_containers()
    code = (
        "import signal; from runtime_monitor.selftest import container\n"
        "with container.running() as made:\n    print(made.id, flush=True)\n    signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        container_id = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGKILL)
    waiting.until(lambda: not _left(container_id), "the shim to take the container down")


def test_an_entry_point_that_does_not_exist_is_an_error() -> None:
    """With its name, and with nothing left."""
    able.to_make_containers()
    with (
        pytest.raises(OSError, match=r"did not start.*/no/such/program"),
        container.running(container.Configuration(entrypoint=("/no/such/program",))),
    ):
        pass


def _left(container_id: str) -> list[str]:
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    return [line for line in mounts.splitlines() if container_id in line] + [
        str(path) for path in pathlib.Path("/sys/fs/cgroup").glob(f"*/podseal-selftest/{container_id}")
    ]


def _assert_gone(container_id: str) -> None:
    assert _left(container_id) == []
    assert not (pathlib.Path("/run/podseal-selftest") / container_id).exists()
