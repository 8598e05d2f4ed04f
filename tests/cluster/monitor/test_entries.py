"""What a real user does with kubectl, as the monitor tells it: pod, container, image, session, and one event a copy."""

from pathlib import Path
from typing import Any

import pytest

from tests.cluster import beds, manifests, waiting
from tests.cluster.monitor.conftest import Monitor, Shop

SHELLS = {False: "Shell without a terminal in a container", True: "Interactive shell in a container"}
"""By whether there is a terminal."""
PROCESS = "Process started in a container from outside"
WRITE = "Root file system changed in a session"
OWN_WRITE = "Root file system changed by the workload"
REFUSED = "Write to a read-only pod refused"
COPIES = {"in": "File copied into a container", "out": "File copied out of a container"}
DRIFT = "Program executed that was not in the image"


def named(value: Any) -> list[str]:  # noqa: ANN401 -- a field of an alert
    """A field that holds several values."""
    return value if isinstance(value, list) else value.strip("()").split(",")


@pytest.mark.parametrize("tty", [False, True], ids=["without a terminal", "with a terminal"])
def test_kubectl_exec(shop: Shop, tty: bool) -> None:  # noqa: FBT001 -- a table
    """The alert names pod, container, image and session; the write in the same tree carries the session."""
    if tty:
        shop.at_a_terminal(f"exec -it {shop.pod} -c main -- sh -c 'echo > /etc/changed'")
    else:
        shop.kubectl("exec", shop.pod, "-c", "main", "--", "sh", "-c", "echo > /etc/changed")
    found = shop.told(SHELLS[tty], exec__kind="exec")
    assert found["k8s.ns.name"] == shop.namespace
    assert found["container.name"] == "main"
    assert f"{found['container.image.repository']}:{found['container.image.tag']}" == manifests.BUSYBOX
    assert found["proc.cmdline"] == "sh -c echo > /etc/changed"
    assert shop.told(WRITE, fd__name="/etc/changed")["exec.session"] == found["exec.session"]


def test_a_command_without_a_shell(shop: Shop) -> None:
    """Is told as a process, and nothing else of it."""
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "id")
    shop.told(PROCESS, proc__cmdline="id")
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
    found = shop.told(COPIES["in"])
    assert named(found["cp.paths"]) == ["/etc/secret.txt"]
    assert (found["k8s.ns.name"], found["container.name"]) == (shop.namespace, "main")
    assert shop.rules() == [COPIES["in"]]


@pytest.mark.parametrize("flags", [(), ("--retries=2",)], ids=["at once", "with retries, in a shell"])
def test_kubectl_cp_out_is_one_event(shop: Shop, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Neither tar nor the shell around it is told beside it."""
    shop.kubectl("cp", f"{shop.pod}:/etc/passwd", str(tmp_path / "passwd"), "--container=main", *flags)
    found = shop.told(COPIES["out"])
    assert named(found["cp.paths"]) == ["/etc/passwd"]
    assert shop.rules() == [COPIES["out"]]


def test_a_copy_without_tar(shop: Shop) -> None:
    """Known by what it does: bytes from the caller into the root file system."""
    shop.kubectl("exec", "--stdin", shop.pod, "-c", "main", "--", "sh", "-c", "cat > /etc/dropped", stdin="hello")
    found = shop.told(COPIES["in"])
    assert named(found["cp.paths"]) == ["/etc/dropped"]


def test_a_dropped_program(shop: Shop) -> None:
    """Executed by its new name: not from the image, and still a shell."""
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "cp", "/bin/busybox", "/etc/sh")
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "/etc/sh", "-c", "id")
    found = shop.told(DRIFT)
    assert (found["proc.exepath"], found["drift.layer"]) == ("/etc/sh", "upper")


@pytest.mark.parametrize(
    ("target", "rule"),
    [((), "Debug container started"), (("--target=main",), SHELLS[False])],
    ids=["by itself", "in the target's pid namespace"],
)
def test_kubectl_debug(shop: Shop, target: tuple[str, ...], rule: str) -> None:
    """An ephemeral container is a way in, whether or not it shares the pid namespace."""
    image = (f"--image={manifests.BUSYBOX}", "--image-pull-policy=Never", "--container=debugger")
    command = ["sh", "-c", "echo > /etc/x"]
    shop.may_debug()
    shop.kubectl("debug", shop.pod, *image, *target, "--", *command)
    found = shop.told(rule, container__name="debugger")
    assert found["proc.cmdline"] == " ".join(command)
    assert shop.told(WRITE, container__name="debugger")["exec.session"] == found["exec.session"]


def test_a_new_pods_first_write(bed: beds.Bed, namespace: str, monitor: Monitor) -> None:
    """A container that writes as the first thing: it waits for its metadata, and then has all of it."""
    name = f"first-{namespace.removeprefix('test-')}"
    command = ["sh", "-c", "echo > /etc/first; exec wait"]
    image = (f"--image={manifests.BUSYBOX}", "--image-pull-policy=Never")
    bed.admin("run", name, "--namespace", namespace, *image, "--command", "--", *command)
    waiting.until(lambda: monitor.about(name), "the write")
    (found,) = monitor.about(name)
    assert (found["rule"], found["output_fields"]["fd.name"]) == (OWN_WRITE, "/etc/first")
    assert found["output_fields"]["container.name"] == name
