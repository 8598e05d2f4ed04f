"""However a cluster ends, nothing of it is left on the machine."""

import collections.abc
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.cluster import beds, layouts, machine, manifests, processes, records, waiting

ENDINGS = pathlib.Path(__file__).parent / "endings"
INTERRUPTED = 130  # exit code of `python -m tests.cluster`


@pytest.fixture
def folder() -> collections.abc.Iterator[pathlib.Path]:
    """Give the folder in or below which all beds of a test are; it is empty or gone at the end."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="podseal-end-"))
    yield made
    if made.exists():
        made.rmdir()


@pytest.fixture
def nothing_left(able: None, folder: pathlib.Path) -> collections.abc.Iterator[None]:
    """Compare the machine before and after the test; the kernel drops dead links and cgroups a moment late."""
    del able

    def look() -> machine.Snapshot:
        return machine.snapshot([made for made in records.load_all() if not made.folder.is_relative_to(folder)])

    before = look()
    yield
    with contextlib.suppress(TimeoutError):
        waiting.until(lambda: not look().added_since(before), "a clean machine")
    assert look().added_since(before) == {}


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a program that starts a cluster of its own."""
    return {**{key: value for key, value in os.environ.items() if key != "PODSEAL_TEST_CLUSTER"}, **more}


@contextlib.contextmanager
def pytest_on(
    ending: str, folder: pathlib.Path, ready: pathlib.Path
) -> collections.abc.Iterator[subprocess.Popen[str]]:
    """Run a file of `endings` in a pytest of its own, with its cluster below `folder`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ENDINGS / ending)]
    with subprocess.Popen(
        command,
        cwd=layouts.REPOSITORY,
        env=environment(PODSEAL_TEST_READY=str(ready), TMPDIR=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.usefixtures("nothing_left")
def test_a_stopped_cluster_leaves_nothing(folder: pathlib.Path) -> None:
    """Pods with volumes and an own cgroup run; after `stop` the machine is as before."""
    bed = beds.start(folder, owner=processes.identify(os.getpid()))
    try:
        volumes = [{"name": "memory", "emptyDir": {"medium": "Memory"}}, {"name": "disk", "emptyDir": {}}]
        mounted = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
        bed.apply(manifests.pod("p", manifests.container(volumeMounts=mounted), volumes=volumes))
        bed.admin("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
        seen = machine.snapshot()
        assert [mount for mount in seen.mounts if str(folder) in mount]
        assert [group for group in seen.cgroups if "/k8s.io/" in group]
    finally:
        bed.stop()


@pytest.mark.usefixtures("nothing_left")
def test_a_cluster_whose_pods_are_gone_leaves_nothing(folder: pathlib.Path) -> None:
    """The cgroup above the containers' own stays when the runtime removes the last container; `stop` removes it."""
    bed = beds.start(folder, owner=processes.identify(os.getpid()))
    try:
        bed.apply(manifests.pod("p"))
        bed.admin("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
        bed.admin("delete", "pod", "p", "--wait")
        waiting.until(lambda: not list(bed.layout.bundles.iterdir()), "the end of the sandbox")
    finally:
        bed.stop()


@pytest.mark.usefixtures("nothing_left")
def test_a_failed_test_leaves_nothing(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The fixture tears down when the test that used it failed."""
    with pytest_on("fails.py", folder, tmp_path / "ready") as child:
        output, _ = child.communicate(timeout=120)
    assert "1 failed" in output
    assert "on purpose" in output


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interrupted_test_leaves_nothing(
    folder: pathlib.Path, tmp_path: pathlib.Path, number: signal.Signals
) -> None:
    """Ctrl-C, a polite kill and a closed terminal end the tests and the cluster."""
    ready = tmp_path / "ready"
    with pytest_on("waits.py", folder, ready) as child:
        waiting.until(lambda: ready.exists() or child.poll() is not None, "the pod of the other pytest", seconds=120)
        child.send_signal(number)
        output, _ = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in output


@pytest.mark.usefixtures("nothing_left")
def test_the_next_call_removes_what_a_killed_test_left(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """SIGKILL leaves the cluster running; `cluster-down` finds it by its record."""
    ready = tmp_path / "ready"
    with pytest_on("waits.py", folder, ready) as child:
        waiting.until(lambda: ready.exists() or child.poll() is not None, "the pod of the other pytest", seconds=120)
        child.kill()
        child.communicate(timeout=60)
    (left,) = [made for made in records.load_all() if made.folder.is_relative_to(folder)]
    assert left.abandoned
    assert processes.marked(left.folder)
    command = [sys.executable, "-m", "tests.cluster", "down", "--folder", str(tmp_path)]
    subprocess.run(command, cwd=layouts.REPOSITORY, env=environment(), check=True)
    assert not left.folder.exists()


@pytest.mark.usefixtures("nothing_left")
def test_an_interrupted_start_leaves_nothing(folder: pathlib.Path) -> None:
    """Ctrl-C while the programs come up ends them all, and the command says so."""
    command = [sys.executable, "-m", "tests.cluster", "up", "--folder", str(folder)]
    with subprocess.Popen(
        command, cwd=layouts.REPOSITORY, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if "started" in line:
                child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (INTERRUPTED, "cluster: interrupted\n")


@pytest.mark.usefixtures("nothing_left")
def test_a_start_that_fails_leaves_nothing_and_says_why(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends at once is named with its last words, and the rest is torn down."""
    monkeypatch.setitem(beds.PROGRAMS, "containerd", lambda *_: ["/bin/busybox", "sh", "-c", "echo no disk; exit 1"])
    with pytest.raises(RuntimeError, match="containerd has ended: no disk"):
        beds.start(folder, owner=processes.identify(os.getpid()))


@pytest.mark.usefixtures("nothing_left")
def test_up_and_down_by_hand(folder: pathlib.Path) -> None:
    """The command line starts a cluster that outlives it, finds it running the second time, and removes it."""

    def call(action: str) -> str:
        command = [sys.executable, "-m", "tests.cluster", action, "--folder", str(folder)]
        done = subprocess.run(
            command, cwd=layouts.REPOSITORY, env=environment(), capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    try:
        assert "cluster: ready in " in call("up")
        assert "cluster: runs already" in call("up")
        seen = subprocess.run(
            [folder / "bin" / "kubectl", f"--kubeconfig={folder / 'kubeconfig'}", "get", "nodes", "--output=name"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert seen.stdout == "node/node1\n"
    finally:
        assert f"cluster: removed {folder}" in call("down")
