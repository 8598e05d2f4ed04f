"""Somebody comes in from outside: as `kubectl exec`, as `nsenter`, and out again."""

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from runtime_monitor.selftest import container, entry
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

EXEC = {"evt.type": "execve", "exec.kind": "exec", "exec.session": bool}


@behaviour({**EXEC, "exec.tty": False, "session.stdin": "pipe", "podseal.shell": True})
def exec_without_tty(stage: Stage) -> Mapping[str, Any]:
    """A shell by `kubectl exec -i`, its input a pipe."""
    return {"proc.pid": stage.execute("sh", "-c", "true").pid}


@behaviour({**EXEC, "exec.tty": True, "session.stdin": "tty", "podseal.shell": True})
def exec_with_tty(stage: Stage) -> Mapping[str, Any]:
    """A shell by `kubectl exec -it`, on a terminal."""
    return {"proc.pid": stage.execute("sh", "-c", "true", streams=entry.Streams(terminal=True)).pid}


@behaviour({**EXEC, "podseal.shell": True, "proc.name": "kworker-flush"})
def exec_renamed_shell(stage: Stage) -> Mapping[str, Any]:
    """A shell under another name: what it is counts, not what it is called."""
    path = f"{HOME}/kworker-flush"
    shell = os.path.realpath("/bin/sh")
    stage.call(lambda: shutil.copy(shell, path))
    return {"proc.pid": stage.execute(path, "-c", "true").pid}


@behaviour(EXEC)
def exec_of_python(stage: Stage) -> Mapping[str, Any]:
    """An interpreter that is no shell."""
    return {"proc.pid": stage.execute(sys.executable, "-IS", "-c", "pass").pid}


@behaviour({**EXEC, "podseal.shell": True})
def exec_in_a_shared_pid_namespace(stage: Stage) -> Mapping[str, Any]:
    """An exec into a container that shares its pod's pid namespace, where its own first process is not number 1."""
    shared = container.Configuration(share_process_namespace=stage.container.pid)
    with stage.other(shared) as other:
        return {"proc.pid": other.execute("sh", "-c", "true").pid}


@behaviour(
    {"evt.type": "execve", "proc.name": "uname", "exec.session": bool},
    {"drift.kind": "write", "fd.name": f"{HOME}/by-a-grandchild", "exec.session": bool},
)
def session_is_inherited(stage: Stage) -> None:
    """What an exec's shell starts, and what that writes, carries the session."""
    stage.execute("sh", "-c", f"uname; sh -c 'echo > {HOME}/by-a-grandchild'; true")


@behaviour({"evt.type": "execve", "exec.kind": "nsenter", "exec.session": bool})
def nsenter_from_the_host(stage: Stage) -> Mapping[str, Any]:
    """`nsenter -m -p` from the host: into the namespaces, but not into the cgroup."""
    return {"proc.pid": stage.execute("sh", "-c", "true", way=entry.NSENTER).pid}


@behaviour({"drift.kind": "escape"})
def escape_by_nsenter(stage: Stage) -> Mapping[str, Any]:
    """A privileged container in the host's pid namespace enters the host's mount namespace."""
    if shutil.which("nsenter") is None:
        raise entry.NotHereError("there is no nsenter here")
    with stage.other(container.Configuration(share_process_namespace=os.getpid())) as other:
        target = str(os.getpid())
        return {"proc.pid": other.execute("nsenter", "-t", target, "-m", "true").pid}
