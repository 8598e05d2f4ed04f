"""The images, built where no registry can be reached, and run read-only.

In: the Dockerfile and the tree. Out: an `Image`: its root filesystem and its configuration; `started` runs a command in
it as a node would. Called by test_image.py and by end-to-end tests.
The base is not python:3.11-slim, which only a registry has, but a Debian 12 with the same minor version of Python, made
by mmdebstrap; the wheels are downloaded outside the build. Both are kept in the cache of `tests.cluster.build`. It
needs root.
"""

import collections.abc
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from tests.cluster import build, packages

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = {"buildah": "/usr/bin/buildah", "mmdebstrap": "/usr/bin/mmdebstrap"}
BASE = "localhost/python:3.11-slim"
REPOSITORY = "localhost/podseal/webhook"
MONITOR_REPOSITORY = "localhost/podseal/monitor"
_INPUTS = ("Dockerfile", "requirements.lock", "requirements-dev.lock", "pyproject.toml", "setup.py", "README.md")
_INPUT_FOLDERS = ("webhook", "certs", "runtime_monitor", "manifests/image")
_BASE_PACKAGES = "python3,python3-pip,python3-venv,libbpf1"

# What the runtime of a node does: a read-only root, the mounts of the chart's pod, an ordinary user.
_RUN = """
set -e
root=$1 tls=$2; shift 2
mount --bind "$root" "$root"
mount --bind "$tls" "$root/run/podseal/tls"
mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev,noexec memory "$root/dev/shm"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root/run/podseal/tls"
mount -o remount,bind,ro "$root"
exec chroot --userspec=65532:65532 --groups=65532 "$root" "$@"
"""


@dataclasses.dataclass(frozen=True)
class Image:
    """A built image: the folder with its files, and the `config` of its description (OCI image specification)."""

    root: pathlib.Path
    config: dict[str, Any]

    @contextlib.contextmanager
    def started(
        self, *command: str, tls: pathlib.Path, output: pathlib.Path
    ) -> collections.abc.Iterator[subprocess.Popen[bytes]]:
        """Run a command read-only, as the image's user, with the folder `tls` in its place and one tmpfs.

        What it says goes to the file `output`. Its loopback is the host's. It is killed when the block ends.
        """
        environment = dict(entry.split("=", 1) for entry in self.config["Env"])
        with output.open("wb") as said:
            process = subprocess.Popen(
                ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", _RUN, "run", self.root, tls, *command],
                # The host's shell needs its own folders; PATH of the image comes first, as inside.
                env=environment | {"PATH": f"{environment['PATH']}:/usr/sbin:/usr/bin:/sbin:/bin"},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def run(self, *command: str, folder: pathlib.Path) -> tuple[int, str]:
        """Run a command to its end; `folder` takes the place of the certificates. Exit code and output."""
        output = folder.with_name(folder.name + ".out")
        with self.started(*command, tls=folder, output=output) as process:
            code = process.wait(60)
        return code, output.read_text()


def archive(repository: str = REPOSITORY) -> pathlib.Path:
    """An image of this tree in the form of `docker save`, for `Bed.import_images`; built unless it has been before.

    Raises:
        MissingError, subprocess.CalledProcessError: as `make`.
    """
    target = _archive(repository)
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            make(pathlib.Path(folder), repository)
    return target


def make(folder: pathlib.Path, repository: str = REPOSITORY) -> Image:
    """Build an image below a folder, which is the caller's to remove; its archive goes to the cache.

    Raises:
        MissingError: not root, or packages cannot be installed.
        subprocess.CalledProcessError: the build failed.
    """
    packages.ensure(PACKAGES)
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    base, wheels = _base(cache), _wheels(cache)
    store = _Store(folder / "storage")
    container = store.buildah("from", "scratch")
    store.buildah("add", "--quiet", container, str(base), "/")
    store.buildah("commit", "--quiet", "--rm", container, BASE)
    stage, name = _stage(repository), f"{repository}:test"
    store.buildah(
        "build", "--pull-never", "--isolation=chroot", "--layers=false", f"--volume={wheels}:/wheelhouse:ro",
        "--build-arg=PIP_NO_INDEX=1", f"--build-arg=BASE={BASE}", f"--target={stage}", f"--tag={name}", str(ROOT),
    )  # fmt: skip
    for old in cache.glob(f"{stage}-*.tar"):
        old.unlink()
    _cached(_archive(repository), lambda half: store.push(name, half))
    container = store.buildah("from", "--pull-never", name)
    root = pathlib.Path(store.buildah("mount", container))
    config = json.loads(store.buildah("inspect", "--type=image", name))["OCIv1"]["config"]
    return Image(root, config)


class _Store:
    """Where buildah keeps images: plain folders (vfs), which need neither overlay mounts nor a clean-up of mounts."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._flags = ("--storage-driver=vfs", f"--root={folder}/root", f"--runroot={folder}/run")

    def buildah(self, *arguments: str) -> str:
        done = subprocess.run(
            ["buildah", *self._flags, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.strip()

    def push(self, name: str, target: pathlib.Path) -> None:
        """Write an image as `docker save` would."""
        self.buildah("push", "--quiet", name, f"docker-archive:{target}:{name}")


def _cache() -> pathlib.Path:
    return build.cache_folder().parent / "images"


def _stage(repository: str) -> str:
    """The stage of the Dockerfile that an image is."""
    return repository.rsplit("/", 1)[1]


def _archive(repository: str) -> pathlib.Path:
    """Where the image of this tree is, or will be: its name has a hash of all that goes into it."""
    folders = (sorted((ROOT / folder).rglob("*")) for folder in _INPUT_FOLDERS)
    inputs = [*(ROOT / name for name in _INPUTS), *(path for folder in folders for path in folder)]
    contents = (
        path.read_bytes() for path in inputs if path.is_file() and not {"__pycache__", "objects"} & {*path.parts}
    )
    return _cache() / f"{_stage(repository)}-{_hash(*contents)}.tar"


def _base(cache: pathlib.Path) -> pathlib.Path:
    """A Debian 12 with Python, as a tar archive."""

    def write(target: pathlib.Path) -> None:
        _run(
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=minbase",
            f"--include={_BASE_PACKAGES}",
            "bookworm",
            target,
        )

    return _cached(cache / f"base-{_hash(_BASE_PACKAGES.encode())}.tar", write)


def _wheels(cache: pathlib.Path) -> pathlib.Path:
    """A folder with every wheel of the two locks that an image needs; pip compares their hashes."""
    locks = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]

    def write(target: pathlib.Path) -> None:
        for lock in locks:
            _run(
                sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:",
                f"--dest={target}", f"--requirement={lock}",
            )  # fmt: skip

    return _cached(cache / f"wheels-{_hash(*(lock.read_bytes() for lock in locks))}", write)


def _cached(path: pathlib.Path, write: collections.abc.Callable[[pathlib.Path], None]) -> pathlib.Path:
    """What `write` makes, once: it is written beside its place and renamed, so that half of it is never found."""
    if path.exists():
        return path
    with path.with_name("lock").open("w") as lock:
        # Another checkout on this machine may be making the same.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            half = path.with_name(f"half-{path.name}")
            if half.is_dir():
                shutil.rmtree(half)
            print(f"image: making {path.name}", flush=True)
            write(half)
            half.rename(path)
    return path


def _hash(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def _run(*command: str | pathlib.Path) -> None:
    subprocess.run(command, check=True)
