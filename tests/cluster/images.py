"""The container images of a bed: none can be pulled, so they are made here.

In: the busybox of the Debian package and the built `wait`. Out: one archive in the form of `docker save`, which
containerd imports. Called by bed; tests that bring images of their own call `write`.
"""

import collections.abc
import dataclasses
import hashlib
import io
import json
import pathlib
import platform
import subprocess
import tarfile
from typing import Any

BUSYBOX = pathlib.Path("/bin/busybox")
PAUSE = "registry.k8s.io/pause:3.10"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # uname's name -> the image specification's
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nnonroot:x:65532:65532::/:/bin/sh\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n"

# What the nginx image does before it serves: without write access to these two places it dies with EROFS.
_NGINX_START = """#!/bin/sh
mkdir -p /var/cache/nginx/client_temp && echo $$ > /run/nginx.pid || {
  echo "nginx: cannot write to /var/cache/nginx or /run" >&2
  exit 1
}
exec /bin/wait
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One path of an image: a file with content, a link (content is its target), or a folder."""

    path: str
    content: bytes = b""
    mode: int = 0o755
    kind: bytes = tarfile.REGTYPE


@dataclasses.dataclass(frozen=True)
class Image:
    """An image of one layer. `user` and `command` are what its configuration says, not what a pod asks for."""

    reference: str
    entries: tuple[Entry, ...]
    command: tuple[str, ...]
    user: str = ""


def _folders(*paths: str) -> tuple[Entry, ...]:
    return tuple(Entry(path, kind=tarfile.DIRTYPE) for path in paths)


def bed_images(wait: pathlib.Path) -> list[Image]:
    """Return the images that every bed has; `wait` is the executable of process 1."""
    waits = Entry("bin/wait", wait.read_bytes())
    base = (
        *_folders("bin", "dev", "etc", "proc", "run", "sys", "root", "var"),
        Entry("tmp", mode=0o1777, kind=tarfile.DIRTYPE),
        Entry("etc/passwd", _USERS.encode(), 0o644),
        Entry("etc/group", _GROUPS.encode(), 0o644),
    )
    shell = (*base, waits, *_busybox())
    nginx = (
        *shell,
        *_folders("etc/nginx", "var/cache", "var/cache/nginx", "var/log", "var/log/nginx"),
        Entry("var/run", b"/run", kind=tarfile.SYMTYPE),
        Entry("docker-entrypoint.sh", _NGINX_START.encode()),
    )
    return [
        Image(PAUSE, (waits,), ("/bin/wait",)),
        Image("podseal.test/busybox:1", shell, ("/bin/wait",)),
        Image("podseal.test/distroless:1", (*base, waits), ("/bin/wait",)),
        Image("podseal.test/nonroot:1", shell, ("/bin/wait",), user="65532"),
        Image("podseal.test/library/nginx:1", nginx, ("/docker-entrypoint.sh",)),
    ]


def _busybox() -> list[Entry]:
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = (Entry(f"bin/{applet}", b"busybox", kind=tarfile.SYMTYPE) for applet in applets if applet != "busybox")
    return [Entry("bin/busybox", BUSYBOX.read_bytes()), *links]


def write(images: collections.abc.Iterable[Image], archive: pathlib.Path) -> None:
    """Write the images as one archive, as `docker save` would (manifest.json, a configuration and a layer each)."""
    manifest = []
    written: set[str] = set()
    with tarfile.open(archive, "w") as tar:

        def add(name: str, content: bytes) -> None:
            if name not in written:
                written.add(name)
                tar.addfile(_header(name, len(content)), io.BytesIO(content))

        for image in images:
            layer = _layer(image.entries)
            digest = hashlib.sha256(layer).hexdigest()
            configuration = json.dumps(_configuration(image, digest)).encode()
            names = f"{hashlib.sha256(configuration).hexdigest()}.json", f"{digest}/layer.tar"
            add(names[0], configuration)
            add(names[1], layer)
            manifest.append({"Config": names[0], "RepoTags": [image.reference], "Layers": [names[1]]})
        add("manifest.json", json.dumps(manifest).encode())


def _configuration(image: Image, layer_digest: str) -> dict[str, Any]:
    return {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Cmd": list(image.command), "Env": [_PATH], "User": image.user, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }


def _layer(entries: collections.abc.Iterable[Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry in entries:
            regular = entry.kind == tarfile.REGTYPE
            header = _header(entry.path, len(entry.content) if regular else 0)
            header.type, header.mode = entry.kind, entry.mode
            if entry.kind == tarfile.SYMTYPE:
                header.linkname = entry.content.decode()
            tar.addfile(header, io.BytesIO(entry.content) if regular else None)
    return buffer.getvalue()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    return header
