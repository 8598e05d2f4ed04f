"""The Debian packages that the test bed needs.

In: nothing, or a table of other packages. Out: the packages are installed, or one line says why they are not. Called
before a bed starts, and before an image is built.
"""

import collections.abc
import os
import pathlib
import shutil
import subprocess

from tests.cluster import requirements

# package -> a file of it whose presence means that it is installed
PACKAGES = {
    "busybox-static": "/bin/busybox",
    "containerd": "/usr/bin/containerd",
    "containernetworking-plugins": "/usr/lib/cni/ptp",
    "etcd-server": "/usr/bin/etcd",
    "iproute2": "/usr/sbin/ip",
    "mount": "/usr/bin/mount",
    "runc": "/usr/sbin/runc",
    "util-linux": "/usr/bin/nsenter",
}


def missing(packages: collections.abc.Mapping[str, str] = PACKAGES) -> list[str]:
    """Return the names of the packages that are not installed."""
    return [package for package, file in packages.items() if not pathlib.Path(file).exists()]


def ensure(packages: collections.abc.Mapping[str, str] = PACKAGES) -> None:
    """Install what is missing, after listing it.

    Raises:
        MissingError: not root, no apt-get, or apt-get failed (no network); the text names the remedy.
    """
    if os.geteuid() != 0:
        raise requirements.MissingError("the test cluster needs root: containers, mounts and network namespaces")
    wanted = missing(packages)
    if not wanted:
        return
    remedy = f"install the packages {' '.join(wanted)}"
    if shutil.which("apt-get") is None:
        raise requirements.MissingError(f"no apt-get here: {remedy}")
    print(f"packages: installing {' '.join(wanted)}", flush=True)
    for command in (["update"], ["install", "-y", "--no-install-recommends", *wanted]):
        outcome = subprocess.run(
            ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *command],
            # RUNLEVEL=1 keeps invoke-rc.d from starting the packages' own services: a test bed starts its own.
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            reason = (outcome.stderr.strip().splitlines() or ["no output"])[-1]
            raise requirements.MissingError(f"apt-get {command[0]} failed ({reason}): {remedy}")
