"""A throw-away container: namespaces and an overlay of the host's own root, without any container runtime.

In: whether its root is read-only, and what its entry point is. Out: a `Container` that runs until the context ends;
then nothing is left of it, even if the self-test itself was killed: a shim, as runtimes have one, holds a pipe to the
self-test and takes the mounts down when that pipe closes. Called by the stage.

The mounts stand in the host's mount namespace, under /run, as containerd's do: so the root's upper directory has a
path on the host. The container's process makes its mount points, pivots into the root and executes the entry
point, in runc's order.
"""

import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime_monitor.enrich.bundle import LEAST_PRIVILEGED
from runtime_monitor.selftest import cgroups, linux

MOST_DESCRIPTORS = 1024
NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWCGROUP
BUNDLES = Path("/run") / cgroups.PARENT
"""Where the containers' bundles lie: one folder each, named by its id."""
NAME = POD = "self-test"
NAMESPACE = "podseal-selftest"
"""Who it is, as a runtime of Kubernetes would write it down: so rules and remedies that speak of pods speak of it."""
IMAGE = "podseal.dev/self-test:1"
VOLUME = "/podseal-volume"
"""Where a directory of the host is mounted, as the kubelet mounts an emptyDir."""
IDLE = ("/bin/sh", "-c", "while read -r line; do sh -c true; done")
"""An entry point that spawns a shell for each line it is sent, and otherwise waits."""


@dataclass(frozen=True)
class Configuration:
    """How a container is made."""

    entrypoint: Sequence[str] = IDLE
    read_only: bool = False
    image: Mapping[str, bytes] = field(default_factory=dict)  # path -> content of the files of the image's top layer
    share_process_namespace: int | None = None  # the pid of a process whose pid namespace it joins


@dataclass(frozen=True)
class Container:
    """A running container. `pid` is its first process, as the host numbers it; `stdin` feeds its entry point."""

    id: str
    pid: int
    folder: Path
    cgroup: cgroups.Cgroup
    stdin: int

    @property
    def root(self) -> Path:
        """The container's root, as the host reaches it through the process."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def upper(self) -> Path:
        """The overlay's upper directory on the host."""
        return self.folder / "upper"

    @property
    def device(self) -> int:
        """The device number of the root's superblock."""
        return self.root.stat().st_dev


@contextlib.contextmanager
def running(configuration: Configuration | None = None) -> Iterator[Container]:
    """A container, running until the end of the context.

    Raises `OSError` where the kernel refuses a namespace, the overlay or a cgroup; the text names the call.
    """
    configuration = configuration or Configuration()
    container_id = secrets.token_hex(32)
    cgroup = cgroups.make(container_id)
    folder = BUNDLES / container_id
    lease, held = os.pipe()
    answer, said = os.pipe()
    entry, stdin = os.pipe()
    shim = os.fork()
    if shim == 0:
        for each in (held, answer, stdin):
            os.close(each)
        _shim(_Bundle(configuration, cgroup, folder, lease, said, entry))
    for each in (lease, said, entry):
        os.close(each)
    try:
        yield Container(container_id, _first_pid(answer), folder, cgroup, stdin)
    finally:
        for each in (held, stdin, answer):
            os.close(each)
        os.waitpid(shim, 0)


def _first_pid(answer: int) -> int:
    """Wait until the entry point executes, which closes the pipe; before that came its pid, or an error."""
    with open(answer, closefd=False) as pipe:
        said = dict(line.rstrip("\n").split(" ", 1) for line in pipe)
    if "error" in said or "pid" not in said:
        raise OSError(f"the self-test's container did not start: {said.get('error', 'its shim ended')}")
    return int(said["pid"])


@dataclass(frozen=True)
class _Bundle:
    """What the shim has to know. `lease` closes when the self-test ends; `said` carries the pid or an error."""

    configuration: Configuration
    cgroup: cgroups.Cgroup
    folder: Path
    lease: int
    said: int
    stdin: int


def _shim(bundle: _Bundle) -> None:
    """Mount the root, start the container, wait for the self-test's end, take everything down. Never returns."""
    os.setsid()  # the terminal's Ctrl-C is for the self-test, which then closes the lease
    _close_all_but(bundle.lease, bundle.said, bundle.stdin)
    try:
        _mount_root(bundle)
        pid = _start(bundle)
        os.write(bundle.said, b"pid %d\n" % pid)
        os.close(bundle.said)
        os.read(bundle.lease, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(bundle.said, f"error {error}\n".encode())
    finally:
        _take_down(bundle)
        os._exit(0)


def _close_all_but(*kept: int) -> None:
    """Let go of the self-test's descriptors: the sensor's programs live as long as somebody holds them."""
    first = 3
    for each in sorted(kept):
        os.closerange(first, each)
        first = each + 1
    os.closerange(first, MOST_DESCRIPTORS)


def _mount_root(bundle: _Bundle) -> None:
    bundle.folder.mkdir(parents=True)
    linux.mount("tmpfs", str(bundle.folder), "tmpfs", options="mode=755")
    _write_configuration(bundle)
    for name in ("image", "upper", "work", "merged", "volume"):
        (bundle.folder / name).mkdir()
    for path, content in bundle.configuration.image.items():
        file = bundle.folder / "image" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    layers = f"lowerdir={bundle.folder}/image:/,upperdir={bundle.folder}/upper,workdir={bundle.folder}/work"
    linux.mount("overlay", str(bundle.folder / "merged"), "overlay", options=layers)


def _write_configuration(bundle: _Bundle) -> None:
    """The bundle's config.json, as far as a monitor reads it (opencontainers/runtime-spec, config.md).

    No capability is taken from the container and no path masked: it is what runtimes call privileged.
    """
    process = {
        "args": list(bundle.configuration.entrypoint),
        "user": {"uid": 0, "gid": 0},
        "capabilities": {"bounding": sorted(LEAST_PRIVILEGED)},
    }
    configuration = {
        "ociVersion": "1.0.2",
        "process": process,
        "linux": {},
        "root": {"path": "merged", "readonly": bundle.configuration.read_only},
        "mounts": [{"destination": VOLUME, "type": "bind", "source": f"{bundle.folder}/volume", "options": ["rw"]}],
        "annotations": {
            "io.kubernetes.cri.container-name": NAME,
            "io.kubernetes.cri.sandbox-name": POD,
            "io.kubernetes.cri.sandbox-namespace": NAMESPACE,
            "io.kubernetes.cri.image-name": IMAGE,
        },
    }
    (bundle.folder / "config.json").write_text(json.dumps(configuration))


def _start(bundle: _Bundle) -> int:
    other = bundle.configuration.share_process_namespace
    if other is None:
        linux.unshare(linux.CLONE_NEWPID)
    else:
        linux.setns(os.pidfd_open(other), linux.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        os.close(bundle.lease)
        try:
            _become(bundle)
        except OSError as error:
            os.write(bundle.said, f"error {error}\n".encode())
        os._exit(127)
    return pid


def _become(bundle: _Bundle) -> None:
    """What runc's init does: namespaces, mount points, pivot, entry point."""
    linux.die_with_parent(signal.SIGKILL)
    linux.set_name("runc:[2:INIT]")
    bundle.cgroup.join()
    linux.unshare(NAMESPACES)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    root = str(bundle.folder / "merged")
    _mount_volumes(root, bundle.folder / "volume")
    os.chdir(root)
    linux.syscall("pivot_root", PIVOT_ROOT[os.uname().machine], b".", b".")
    linux.unmount(".")
    os.chdir("/")
    if bundle.configuration.read_only:
        linux.mount("none", "/", flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY)
    output = os.open("/dev/null", os.O_RDWR)
    for number, descriptor in enumerate((bundle.stdin, output, output)):
        os.dup2(descriptor, number)
    _close_all_but(bundle.said)
    arguments = list(bundle.configuration.entrypoint)
    os.execve(arguments[0], arguments, {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})


PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def _mount_volumes(root: str, volume: Path) -> None:
    """The usual mounts; the volume is a bind of a directory outside the root, as an emptyDir is."""
    Path(root + VOLUME).mkdir()
    linux.mount(str(volume), root + VOLUME, flags=linux.MS_BIND)
    linux.mount("proc", root + "/proc", "proc")
    linux.mount("tmpfs", root + "/dev", "tmpfs", linux.MS_NOSUID, "mode=755")
    for name in ("null", "zero", "tty"):
        Path(f"{root}/dev/{name}").touch()
        linux.mount(f"/dev/{name}", f"{root}/dev/{name}", flags=linux.MS_BIND)
    for name, kind, options in (("pts", "devpts", "newinstance,ptmxmode=0666"), ("shm", "tmpfs", "")):
        Path(f"{root}/dev/{name}").mkdir()
        linux.mount(kind, f"{root}/dev/{name}", kind, linux.MS_NOSUID, options)
    Path(f"{root}/dev/ptmx").symlink_to("pts/ptmx")


def _take_down(bundle: _Bundle) -> None:
    """Unmount, remove, and say on standard error what would not go."""
    for target in (bundle.folder / "merged", bundle.folder):
        try:
            linux.unmount(str(target))
        except OSError as error:
            if target.is_mount():
                sys.stderr.write(f"self-test: {error}\n")
    for folder in (bundle.folder, bundle.folder.parent):
        with contextlib.suppress(OSError):
            folder.rmdir()
    bundle.cgroup.remove()
