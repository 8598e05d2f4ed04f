"""What a real user does with kubectl, as the monitor tells it: pod, container, image, session, and one event a copy."""

from pathlib import Path

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.monitor.conftest import Monitor, Shop

SHELL = "Shell started in a container from outside"
PROCESS = "Process started in a container from outside"
WRITE = "Write to a container's root file system"
REFUSED = "Write to a container's root file system refused"
COPY = "Files copied between a container and the outside"
DRIFT = "Program executed that was not in the image"


@pytest.mark.parametrize("tty", [False, True], ids=["without a terminal", "with a terminal"])
def test_kubectl_exec(shop: Shop, tty: bool) -> None:  # noqa: FBT001 -- a table
    """The alert names pod, container, image and session; the write in the same tree carries the session."""
    if tty:
        shop.at_a_terminal(f"exec -it {shop.pod} -c main -- sh -c 'echo > /etc/changed'")
    else:
        shop.kubectl("exec", shop.pod, "-c", "main", "--", "sh", "-c", "echo > /etc/changed")
    found = shop.told(SHELL, exec__kind="exec")
    assert found["k8s.ns.name"] == shop.namespace
    assert found["container.name"] == "main"
    assert f"{found['container.image.repository']}:{found['container.image.tag']}" == manifests.BUSYBOX
    assert found["exec.tty"] is tty
    assert found["session.command"] == ["sh", "-c", "echo > /etc/changed"]
    assert shop.told(WRITE, fd__name="/etc/changed")["exec.session"] == found["exec.session"]


def test_a_command_without_a_shell(shop: Shop) -> None:
    """Is told as a process, and nothing else of it."""
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "id")
    shop.told(PROCESS, proc__name="id")
    assert shop.rules() == [PROCESS]


def test_a_refused_write(shop: Shop) -> None:
    """In the sealed container the attempt is told, with the path and the error."""
    shop.kubectl("exec", shop.pod, "-c", "sealed", "--", "touch", "/etc/x", fails=True)
    found = shop.told(REFUSED, container__name="sealed")
    assert (found["fd.name"], found["evt.res"]) == ("/etc/x", "EROFS")


def test_kubectl_cp_in_is_one_event(shop: Shop, tmp_path: Path) -> None:
    """It says so, with direction and path; neither `test -d` nor tar nor the write is told beside it."""
    (tmp_path / "secret.txt").write_text("hello")
    shop.kubectl("cp", str(tmp_path / "secret.txt"), f"{shop.pod}:/etc/secret.txt", "--container=main")
    found = shop.told(COPY)
    assert (found["cp.direction"], found["cp.paths"]) == ("in", ["/etc/secret.txt"])
    assert (found["k8s.ns.name"], found["container.name"]) == (shop.namespace, "main")
    assert shop.rules() == [COPY]


@pytest.mark.parametrize("flags", [(), ("--retries=2",)], ids=["at once", "with retries, in a shell"])
def test_kubectl_cp_out_is_one_event(shop: Shop, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Neither tar nor the shell around it is told beside it."""
    shop.kubectl("cp", f"{shop.pod}:/etc/passwd", str(tmp_path / "passwd"), "--container=main", *flags)
    found = shop.told(COPY)
    assert (found["cp.direction"], found["cp.paths"]) == ("out", ["/etc/passwd"])
    assert shop.rules() == [COPY]


def test_a_copy_without_tar(shop: Shop) -> None:
    """Known by what it does: bytes from the caller into the root file system."""
    shop.kubectl("exec", "--stdin", shop.pod, "-c", "main", "--", "sh", "-c", "cat > /etc/dropped", stdin="hello")
    found = shop.told(COPY)
    assert (found["cp.direction"], found["cp.paths"]) == ("in", ["/etc/dropped"])
    assert found["session.stdin"] == "pipe"


def test_a_dropped_program(shop: Shop) -> None:
    """Executed by its new name: not from the image, and still a shell."""
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "cp", "/bin/busybox", "/etc/sh")
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "/etc/sh", "-c", "id")
    found = shop.told(DRIFT)
    assert (found["proc.exepath"], found["drift.layer"]) == ("/etc/sh", "upper")
    assert found["podseal.shell"] is True


@pytest.mark.parametrize("target", [(), ("--target=main",)], ids=["by itself", "in the target's pid namespace"])
def test_kubectl_debug(shop: Shop, target: tuple[str, ...]) -> None:
    """An ephemeral container is a way in, whether or not it shares the pid namespace."""
    image = (f"--image={manifests.BUSYBOX}", "--image-pull-policy=Never", "--container=debugger")
    command = ["sh", "-c", "echo > /etc/x"]
    shop.kubectl("debug", shop.pod, *image, *target, "--", *command)
    found = shop.told(SHELL, container__name="debugger")
    assert (found["exec.kind"], found["session.command"]) == ("debug", command)
    assert shop.told(WRITE, container__name="debugger")["exec.session"] == found["exec.session"]


def test_a_new_pods_first_write(bed: beds.Bed, namespace: str, monitor: Monitor) -> None:
    """A container that writes as the first thing: it waits for its metadata, and then has all of it."""
    name = f"first-{namespace.removeprefix('test-')}"
    command = ["sh", "-c", "echo > /etc/first; exec wait"]
    image = (f"--image={manifests.BUSYBOX}", "--image-pull-policy=Never")
    bed.admin("run", name, "--namespace", namespace, *image, "--command", "--", *command)
    waiting.until(lambda: monitor.about(name), "the write")
    (found,) = monitor.about(name)
    assert (found["rule"], found["output_fields"]["fd.name"]) == (WRITE, "/etc/first")
    assert "k8s.pending" not in found["output_fields"]
