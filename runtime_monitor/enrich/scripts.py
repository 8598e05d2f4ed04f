"""Whether an interpreter runs a script that was not in the image: the kernel executes the interpreter, which was.

In: Events with their root and paths, in order. Out: the exec's Event with `drift.kind=exec` and `drift.layer=upper`
where the script is a file that was written since the monitor has watched the container. Called by the pipeline, after
the containers. The script is what the kernel took it from (`#!`), or the first word of an interpreter's arguments that
is no option. Pure but for what it remembers: the names that changed, of each root.
"""

import posixpath
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from runtime_monitor.events import Drift, Event, Process

INTERPRETERS: Final = (
    (re.compile(r"(?:ba|da|a|k|mk|z|fi|c|tc|ya)?sh|busybox"), re.compile(r"-[a-zA-Z]*c|--command")),
    (re.compile(r"(?:python|pypy)[\d.]*"), re.compile(r"-[a-zA-Z]*[cm]")),
    (re.compile(r"(?:perl|ruby|lua|node|nodejs)[\d.]*"), re.compile(r"-[a-zA-Z]*[eE]|--eval|--print")),
    (re.compile(r"php[\d.]*"), re.compile(r"-r|--run")),
)
"""Programs that run a file which is their argument, and the options whose next word is code or a module instead."""
MOST_ROOTS: Final = 4096
MOST_NAMES: Final = 8192
"""Of one root; beyond that the oldest are forgotten."""
_MOVES: Final = frozenset({"rename", "renameat", "renameat2", "symlink", "symlinkat"})
"""With these a name's whole tree is another one."""


class Changed(msgspec.Struct):
    """What was written on one root: names of files, and names that now lead to another tree. Used as ordered sets."""

    files: dict[str, None] = msgspec.field(default_factory=dict)
    trees: dict[str, None] = msgspec.field(default_factory=dict)


class Scripts:
    """The names that changed on the roots of this node."""

    def __init__(self) -> None:
        self._changed: dict[int, Changed] = {}

    def __call__(self, event: Event) -> Event:
        """The event, with its drift where it runs a script that was written."""
        root = event.fd.root
        if root is None:
            return event
        if event.drift.kind == "write":
            self._remember(root, event)
        elif event.evt.type == "execve" and event.drift.kind is None and self._is_written(root, event.proc):
            drift: Drift = msgspec.structs.replace(event.drift, kind="exec", layer="upper")
            return msgspec.structs.replace(event, drift=drift)
        return event

    def forget(self, root: int) -> None:
        """A root is no more."""
        self._changed.pop(root, None)

    def _remember(self, root: int, event: Event) -> None:
        changed = self._changed.setdefault(root, Changed())
        if len(self._changed) > MOST_ROOTS:
            del self._changed[next(iter(self._changed))]
        names = changed.trees if event.evt.type in _MOVES else changed.files
        if event.fd.name is not None:  # of rename and link the new one
            names[event.fd.name] = None
        while len(names) > MOST_NAMES:
            del names[next(iter(names))]

    def _is_written(self, root: int, proc: Process) -> bool:
        changed = self._changed.get(root)
        path = script_of(proc) if changed is not None else None
        if changed is None or path is None:
            return False
        return path in changed.files or any(each in changed.trees for each in _and_above(path))


def script_of(proc: Process) -> str | None:
    """The absolute path of the script that an exec runs; None where it runs none, or none that is a file."""
    named = proc.script or _argument(posixpath.basename(proc.exepath or proc.exe or ""), proc.arguments or ())
    if named is None:
        return None
    return "/" + posixpath.normpath(posixpath.join(proc.cwd or "/", named)).lstrip("/")


def _argument(name: str, arguments: Sequence[str]) -> str | None:
    code = next((code for names, code in INTERPRETERS if names.fullmatch(name)), None)
    if code is None:
        return None
    # What busybox is asked to be stands first.
    for word in arguments[1:] if name == "busybox" else arguments:
        if code.fullmatch(word):
            return None
        if not word.startswith(("-", "+")):
            return word
    return None


def _and_above(path: str) -> list[str]:
    found = [path]
    while (path := posixpath.dirname(path)) != "/":
        found.append(path)
    return found
