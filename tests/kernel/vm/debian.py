"""A Debian kernel to boot, fetched from the archive by apt and unpacked, never installed.

In: a version series. Out: the path of its image, with its modules beside it, in the cache folder outside of the tree.
Called by the machine. What was fetched once is used again.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

from tests.cluster import build, packages, requirements

PACKAGES = {
    "busybox-static": "/bin/busybox",
    "cpio": "/usr/bin/cpio",
    "kmod": "/usr/sbin/depmod",
    "libbpf1": "/usr/lib/x86_64-linux-gnu/libbpf.so.1",
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "util-linux": "/usr/bin/nsenter",
}
"""package -> a file of it. virtme-ng makes its initramfs of busybox, cpio and kmod."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel as virtme-ng takes it: the image lies in `boot`, the modules in `lib/modules` beside it."""

    release: str
    image: pathlib.Path


def fetch(series: str) -> Kernel:
    """Return the newest kernel of a series, such as `6.1.0`, fetching it where the cache has none.

    Raises:
        MissingError: not root, or apt cannot reach the archive; the text names the remedy.
    """
    packages.ensure(PACKAGES)
    folder = build.cache_folder().parent / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    found = _unpacked(folder, series)
    return found or _download(folder, series)


def _unpacked(folder: pathlib.Path, series: str) -> Kernel | None:
    ready = sorted(folder.glob(f"{series}-*/ready"), key=lambda path: _numbers(path.parent.name))
    return _kernel(ready[-1].parent) if ready else None


def _kernel(folder: pathlib.Path) -> Kernel:
    return Kernel(folder.name, folder / "boot" / f"vmlinuz-{folder.name}")


def _download(folder: pathlib.Path, series: str) -> Kernel:
    names = _apt("apt-cache", "pkgnames", f"linux-image-{series}-").split() or _refreshed(series)
    signed = [name for name in names if re.fullmatch(rf"linux-image-{re.escape(series)}-\d+-amd64", name)]
    if not signed:
        raise requirements.MissingError(f"Debian's archive serves no linux-image-{series}-*-amd64 here: apt-get update")
    package = max(signed, key=_numbers)
    release = package.removeprefix("linux-image-")
    partial = folder / f"{release}.{os.getpid()}.part"
    partial.mkdir()
    try:
        print(f"kernels: fetching {package}", flush=True)
        # The sandbox user of apt may not write below /root; the archive's signatures are checked all the same.
        _apt("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package, cwd=partial)
        (archive,) = partial.glob("*.deb")
        _apt("dpkg-deb", "-x", str(archive), str(partial))
        archive.unlink()
        _apt("depmod", "-b", str(partial), release)
        (partial / "ready").touch()
        if not (folder / release).exists():
            partial.rename(folder / release)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _kernel(folder / release)


def _refreshed(series: str) -> list[str]:
    _apt("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update")
    return _apt("apt-cache", "pkgnames", f"linux-image-{series}-").split()


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def _apt(*command: str, cwd: pathlib.Path | None = None) -> str:
    outcome = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        reason = (outcome.stderr.strip().splitlines() or ["no output"])[-1]
        raise requirements.MissingError(
            f"{' '.join(command[:2])} failed ({reason}): the tests on other kernels need it"
        )
    return outcome.stdout
