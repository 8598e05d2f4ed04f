"""Copies in and out, as `kubectl cp` makes them and as people make them where there is no tar.

kubectl's own commands (k8s.io/kubectl/pkg/cmd/cp): in, `test -d DIR`, then `tar -xmf - -C DIR`; out, `tar cf - PATH`,
or with retries `sh -c "tar cf - PATH | tail -c+N"`.
"""

import base64
import io
import sys
import tarfile
from collections.abc import Callable, Sequence

from runtime_monitor.selftest import entry
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

IN = {"cp.direction": "in"}
OUT = {"cp.direction": "out"}


def _archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(b"copied")
            archive.addfile(member, io.BytesIO(b"copied"))
    return buffer.getvalue()


def _holds(path: str) -> Callable[[Sequence[str]], bool]:
    """A test that the event's paths name this one."""
    return lambda paths: path in paths


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/copied-in")})
def copy_in(stage: Stage) -> None:
    """`kubectl cp FILE POD:DIR`."""
    stage.execute("test", "-d", HOME)
    stage.execute("tar", "-xmf", "-", "-C", HOME, streams=entry.Streams(_archive("copied-in")))


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/copied-folder/second")})
def copy_in_of_a_folder(stage: Stage) -> None:
    """`kubectl cp FOLDER POD:DIR`."""
    archive = _archive("copied-folder/first", "copied-folder/second")
    stage.execute("test", "-d", HOME)
    stage.execute("tar", "-xmf", "-", "-C", HOME, streams=entry.Streams(archive))


@behaviour({**OUT, "cp.paths": _holds("/etc/hostname")})
def copy_out(stage: Stage) -> None:
    """`kubectl cp POD:/etc/hostname FILE`."""
    stage.execute("tar", "cf", "-", "/etc/hostname")


@behaviour({**OUT, "cp.paths": _holds("/etc/hostname")})
def copy_out_with_retries(stage: Stage) -> None:
    """`kubectl cp --retries`: a shell that continues where the stream broke."""
    stage.execute("sh", "-c", "tar cf - /etc/hostname | tail -c+1")


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/by-cat")})
def copy_in_by_cat(stage: Stage) -> None:
    """`kubectl exec -i POD -- sh -c 'cat > FILE'`."""
    stage.execute("sh", "-c", f"cat > {HOME}/by-cat", streams=entry.Streams(b"copied"))


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/by-base64")})
def copy_in_by_base64(stage: Stage) -> None:
    """A file typed in as text."""
    text = base64.b64encode(b"copied")
    stage.execute("sh", "-c", f"base64 -d > {HOME}/by-base64", streams=entry.Streams(text))


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/by-dd")})
def copy_in_by_dd(stage: Stage) -> None:
    """A dd without an input file."""
    stage.execute("dd", f"of={HOME}/by-dd", "status=none", streams=entry.Streams(b"copied"))


@behaviour({**IN, "cp.paths": _holds(f"{HOME}/by-python")})
def copy_in_by_python(stage: Stage) -> None:
    """An interpreter that writes what it reads."""
    code = f"import sys; open('{HOME}/by-python', 'wb').write(sys.stdin.buffer.read())"
    stage.execute(sys.executable, "-IS", "-c", code, streams=entry.Streams(b"copied"))
