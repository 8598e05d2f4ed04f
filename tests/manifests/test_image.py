"""The image: small, without tools, an ordinary user's, and content with a root filesystem that it cannot write."""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import client

import pytest

from tests import waiting
from tests.cluster import requirements
from tests.manifests import image

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]  # the first build makes a base and downloads wheels

MOST_BYTES = 150 * 1000 * 1000
REVIEW = image.ROOT / "tests" / "data" / "reviews" / "create-pods.json"
TOOLS = {
    "sh",
    "bash",
    "dash",
    "pip",
    "pip3",
    "apt",
    "apt-get",
    "dpkg",
    "perl",
    "gcc",
    "cc",
    "ld",
    "as",
    "make",
    "busybox",
}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "nobody",
    "contexts": [{"name": "nobody", "context": {"cluster": "nobody", "user": "nobody"}}],
    "clusters": [{"name": "nobody", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "nobody", "user": {"token": "none"}}],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image.Image]:
    """The image, built once; where it cannot be, skip with the reason, or fail where nothing may be skipped."""
    folder = tmp_path_factory.mktemp("image")
    try:
        with requirements.or_skip():
            made = image.make(folder)
        yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def certificates(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder as the Secret's volume is: readable for the group of the image's user."""
    folder = tmp_path / "tls"
    program = pathlib.Path(sys.executable).with_name("podseal-certs")
    subprocess.run([program, "init", "--dir", folder, "--ip", "127.0.0.1"], check=True, capture_output=True)
    plain = tmp_path / "plain"
    plain.mkdir(mode=0o755)
    for name in ("tls.crt", "tls.key", "ca.crt"):
        shutil.copyfile(folder / name, plain / name)
        os.chown(plain / name, 0, 65532)
        (plain / name).chmod(0o440)
    return plain


def files(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """Every file, folder and link."""
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            yield pathlib.Path(folder, name)


def test_it_is_small(built: image.Image) -> None:
    """At most 150 MB, unpacked."""
    size = sum(path.lstat().st_size for path in files(built.root) if path.is_file() and not path.is_symlink())
    print(f"image: {size / 1e6:.0f} MB unpacked")
    assert 20_000_000 < size <= MOST_BYTES


def test_it_runs_as_an_ordinary_user(built: image.Image) -> None:
    """By number, so that a kubelet can tell that it is not root."""
    assert built.config["User"] == "65532:65532"
    assert built.config["Entrypoint"] == ["podseal"]


def test_no_tool_is_in_it(built: image.Image) -> None:
    """No shell, package manager or compiler; nothing that raises rights; nothing that its user could write."""
    found = {path.name for path in files(built.root)}
    assert not found & TOOLS
    assert not [path for path in files(built.root) if path.name.startswith(("pip-", "setuptools-"))]
    for path in files(built.root):
        mode = path.lstat().st_mode
        assert not mode & (stat.S_ISUID | stat.S_ISGID), path
        assert stat.S_ISLNK(mode) or not mode & stat.S_IWOTH, path
        assert path.lstat().st_uid == 0, path


def test_every_package_has_the_locked_version(built: image.Image) -> None:
    """What is installed is the lock's content, and podseal."""
    lock = (image.ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.split("==")[0].replace("-", "_").lower() for line in lock if "==" in line}
    (packages,) = (built.root / "opt" / "podseal" / "lib").glob("python*/site-packages")
    installed = {path.name.split("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert installed == locked | {"podseal"}


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 -- the loopback
            return bool(response.status == client.OK)
    except (urllib.error.URLError, ConnectionError):
        return False


def test_it_serves_and_writes_to_its_tmpfs_alone(
    built: image.Image, certificates: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Everything else is mounted read-only; it becomes ready, answers a review, and ends as it is told to."""
    port, metrics_port = free_port(), free_port()
    tls, output = "/run/podseal/tls", tmp_path / "output"
    command = (
        "podseal", "serve", f"--bind=127.0.0.1:{port}", f"--metrics-bind=127.0.0.1:{metrics_port}",
        f"--tls-cert-file={tls}/tls.crt", f"--tls-private-key-file={tls}/tls.key",
    )  # fmt: skip
    with built.started(*command, tls=certificates, output=output) as process:
        waiting.until(
            lambda: process.poll() is not None or answers(f"http://127.0.0.1:{metrics_port}/readyz"), "readiness", 60
        )
        assert process.poll() is None, output.read_text()
        mounts = [line.split() for line in pathlib.Path(f"/proc/{process.pid}/mounts").read_text().splitlines()]
        seen = {place: options.split(",")[0] for _, place, _, options, *_ in mounts}
        assert seen == {"/": "ro", "/run/podseal/tls": "ro", "/dev/shm": "rw", "/proc": "rw"}  # noqa: S108 -- as told
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        assert "Uid:\t65532\t65532\t65532\t65532\n" in status
        assert "CapEff:\t0000000000000000\n" in status
        review = REVIEW.read_bytes()
        context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        connection = client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        connection.request("POST", "/validate", review, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert answer["response"]["uid"] == json.loads(review)["request"]["uid"]
        assert isinstance(answer["response"]["allowed"], bool)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, output.read_text()
    assert "Read-only file system" not in output.read_text()


def test_podseal_certs_reaches_for_the_cluster(built: image.Image, tmp_path: pathlib.Path) -> None:
    """The Kubernetes client works without the parts of its package that are left out."""
    folder = tmp_path / "kubeconfig"
    folder.mkdir()
    (folder / "config").write_text(json.dumps(KUBECONFIG))
    code, said = built.run(
        "podseal-certs", "run", "--once", "--secret=podseal-tls", "--service=podseal",
        "--webhook-configuration=podseal", "--kubeconfig=/run/podseal/tls/config", folder=folder,
    )  # fmt: skip
    assert code != 0
    assert "127.0.0.1:1: does not answer" in said, said


def test_podseal_check_works_in_it(built: image.Image, tmp_path: pathlib.Path) -> None:
    """The same image judges manifests in CI."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": {"containers": [
        {"name": "main", "image": "nginx", "securityContext": {"privileged": True}}]}}  # fmt: skip
    (folder / "pod.json").write_text(json.dumps(pod))
    code, said = built.run("podseal", "check", "/run/podseal/tls/pod.json", folder=folder)
    assert code == 1, said
    assert "privileged" in said
