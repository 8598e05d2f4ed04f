"""Builds the Kubernetes binaries and the manifest tools from the Go module proxy, once per machine.

In: names from `BINARIES` (none = all). Out: executables in a cache folder outside the repository, a printed line each.
Called by `.ci/run` (first of all, in the background), by `python -m tests.cluster up` and, for `find`, by the fixtures.
Only the standard library is used, so that it runs before the project's environment exists.
"""

import argparse
import collections.abc
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from tests.cluster import requirements

FOLDER = pathlib.Path(__file__).resolve().parent
KUBERNETES_VERSION = "1.37.2"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
_VERSION = "k8s.io/component-base/version"
_BACKGROUND_NICENESS = 10

# The version variables are what `kubectl version` and the API discovery report; unset they read v0.0.0-master,
# which the node's version skew checks refuse.
_VERSION_FLAGS = (
    f"-X {_VERSION}.gitVersion=v{KUBERNETES_VERSION} -X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR}"
)
KUBERNETES_FLAGS = ("-ldflags", f"-s -w {_VERSION_FLAGS}")
SMALL_FLAGS = ("-ldflags", "-s -w")


@dataclasses.dataclass(frozen=True)
class Binary:
    """One executable: its Go package, the folder whose go.mod and go.sum fix every version, and the build's flags."""

    name: str
    package: str
    module: pathlib.Path = FOLDER
    flags: tuple[str, ...] = KUBERNETES_FLAGS
    static: bool = False

    def sources(self) -> list[pathlib.Path]:
        """Return the files of this repository that the executable is made of."""
        own = sorted((self.module / self.package).glob("*.go")) if self.package.startswith("./") else []
        return [self.module / "go.mod", self.module / "go.sum", *own]


# In the order in which they are built: what a first look at the cluster needs stands first.
BINARIES: tuple[Binary, ...] = (
    Binary("nats-server", "github.com/nats-io/nats-server/v2", module=FOLDER / "nats", flags=SMALL_FLAGS, static=True),
    Binary("psa", "./", module=FOLDER.parent / "conformance" / "psa", flags=SMALL_FLAGS, static=True),
    Binary("wait", "./wait", flags=SMALL_FLAGS, static=True),
    Binary("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    Binary("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    Binary("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
    Binary("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
    Binary("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    Binary("helm", "helm.sh/helm/v3/cmd/helm", module=FOLDER / "tools", flags=SMALL_FLAGS),
    Binary("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", module=FOLDER / "tools", flags=SMALL_FLAGS),
)
CLUSTER = tuple(binary.name for binary in BINARIES if binary.module == FOLDER)


def cache_folder() -> pathlib.Path:
    """Return the folder for built executables: PODSEAL_CACHE, else podseal below XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("PODSEAL_CACHE")
    if named:
        return pathlib.Path(named) / "bin"
    base = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "podseal" / "bin"


def path(binary: Binary) -> pathlib.Path:
    """Return where the executable is, or will be: its folder is a hash of all that decides its content."""
    digest = hashlib.sha256()
    for source in binary.sources():
        digest.update(source.read_bytes())
    digest.update(repr((binary.flags, binary.static)).encode())
    return cache_folder() / digest.hexdigest()[:16] / binary.name


def find(name: str) -> pathlib.Path:
    """Return the path of the executable `name`.

    Raises:
        MissingError: it has not been built yet.
    """
    found = path(_named(name))
    if not found.exists():
        raise requirements.MissingError(
            f"{name} is not built: run `python3 -m tests.cluster.build` (once, some 15 minutes)"
        )
    return found


def ensure(names: collections.abc.Iterable[str] = (), *, niceness: int = 0) -> None:
    """Build what is missing of `names` (none = all); print one line with the seconds for each.

    Two callers at once: the first builds, the second waits for it and finds everything there.

    Raises:
        MissingError: Go is absent or too old, the network is not there, or a build failed.
    """
    wanted = [_named(name) for name in names] or list(BINARIES)
    if all(path(binary).exists() for binary in wanted):
        return
    if shutil.which("go") is None:
        raise requirements.MissingError("Go is not on PATH: install Go 1.26 or newer to build the cluster's binaries")
    with _alone():
        for binary in wanted:
            if not path(binary).exists():
                _build(binary, niceness)


def _named(name: str) -> Binary:
    for binary in BINARIES:
        if binary.name == name:
            return binary
    raise requirements.MissingError(f"no binary {name!r}: there are {', '.join(b.name for b in BINARIES)}")


@contextlib.contextmanager
def _alone() -> collections.abc.Iterator[None]:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("build: another build is running, waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(binary: Binary, niceness: int) -> None:
    target = path(binary)
    target.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    command = ("go", "build", "-mod=readonly", "-buildvcs=false", *binary.flags)
    # Built beside the target and renamed: a build that is interrupted leaves nothing that looks finished.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as scratch:
        made = pathlib.Path(scratch) / binary.name
        outcome = subprocess.run(
            ["nice", "-n", str(niceness), *command, "-o", str(made), binary.package],
            cwd=binary.module,
            env={**os.environ, **({"CGO_ENABLED": "0"} if binary.static else {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            reason = (outcome.stderr.strip().splitlines() or ["no output"])[-1]
            raise requirements.MissingError(f"go build {binary.package} failed: {reason}")
        made.replace(target)
    print(f"build: {binary.name} {time.monotonic() - begun:.0f} s", flush=True)


def main() -> int:
    """Build the named binaries; exit code 2 and one line where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(b.name for b in BINARIES)}; none = all")
    parser.add_argument(
        "--background-friendly", action="store_true", help="leave the processor to other programs (nice)"
    )
    options = parser.parse_args()
    try:
        ensure(options.names, niceness=_BACKGROUND_NICENESS if options.background_friendly else 0)
    except requirements.MissingError as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
