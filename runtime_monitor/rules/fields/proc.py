"""proc.* and thread.*: who did it, and its ancestors. Source: the task in the kernel, kept by `enrich.process`.

As in Falco, a command line is the process's name and its arguments, `cwd` ends with a slash, and ancestor 0 is the
process itself, 1 its parent.
"""

from collections.abc import Callable

from runtime_monitor.events import Ancestor, Event, Process
from runtime_monitor.rules.fields.field import Argument, Field, Several, Type, plain

CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
"""By bit, include/uapi/linux/capability.h."""

ABOVE = ("proc.ancestors",)


def _joined(first: str | None, arguments: tuple[str, ...] | None) -> str | None:
    if first is None:
        return None
    return " ".join((first, *arguments)) if arguments else first


def _args(event: Event) -> str | None:
    arguments = event.proc.arguments
    return None if arguments is None else " ".join(arguments)


def _cmdline(event: Event) -> str | None:
    process = event.proc
    return _joined(process.name, process.arguments)


def _exeline(event: Event) -> str | None:
    return _joined(event.proc.exe, event.proc.arguments)


def _cwd(event: Event) -> str | None:
    cwd = event.proc.cwd
    return cwd if cwd is None or cwd.endswith("/") else cwd + "/"


def _environment(event: Event, name: str | None) -> str | None:
    environment = event.proc.environment
    if environment is None or name is None:
        return None if environment is None else " ".join(environment)
    prefix = f"{name}="
    return next((entry[len(prefix) :] for entry in environment if entry.startswith(prefix)), None)


def _above(event: Event, index: int) -> Process | Ancestor | None:
    if index == 0:
        return event.proc
    ancestors = event.proc.ancestors
    return ancestors[index - 1] if ancestors and index <= len(ancestors) else None


def _named(event: Event, index: int | None) -> object:
    """The name of an ancestor; the parent's comes with every event, before anything is known of the others."""
    if index == 1 and event.proc.parent_name is not None:
        return event.proc.parent_name
    return _ANCESTOR_NAME(event, index)


def _parent_name(event: Event) -> object:
    return _named(event, 1)


def _ancestor(attribute: str) -> Callable[[Event, int | None], object]:
    """Reads an attribute of one ancestor, or, without an index, of all that know it."""

    def read(event: Event, index: int | None) -> object:
        if index is None:
            found = (getattr(each, attribute) for each in event.proc.ancestors or ())
            return tuple(value for value in found if value is not None) or None
        each = _above(event, index)
        return None if each is None else getattr(each, attribute)

    return read


_ANCESTOR_NAME = _ancestor("name")


def _ancestor_cmdline(event: Event, index: int | None) -> object:
    if index is None:
        lines = (_joined(each.name, each.arguments) for each in event.proc.ancestors or ())
        return tuple(line for line in lines if line is not None) or None
    each = _above(event, index)
    return None if each is None else _joined(each.name, each.arguments)


def _parent(attribute: str) -> Callable[[Event], object]:
    def read(event: Event) -> object:
        ancestors = event.proc.ancestors
        return getattr(ancestors[0], attribute) if ancestors else None

    return read


def _pcmdline(event: Event) -> str | None:
    ancestors = event.proc.ancestors
    return _joined(ancestors[0].name, ancestors[0].arguments) if ancestors else None


def _capabilities(attribute: str) -> Callable[[Event], str | None]:
    def read(event: Event) -> str | None:
        mask = getattr(event.proc, attribute)
        if mask is None:
            return None
        return " ".join(f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1)

    return read


def _changed_before_start(event: Event) -> int | None:
    process = event.proc
    if process.duration is None or process.exe_ctime is None:
        return None
    return event.evt.time - process.duration - process.exe_ctime


def _made(name: str, kind: Type, doc: str, needs: tuple[str, ...], read: Callable[[Event], object]) -> Field:
    return Field(name=name, type=kind, doc=doc, needs=needs, read=read)


def _of_ancestors(name: str, kind: Type, doc: str, read: Callable[[Event, int | None], object]) -> Field:
    return Field(
        name=name,
        type=kind,
        doc=f"{doc} of ancestor [n]; without an index, of any ancestor.",
        needs=ABOVE,
        read=read,
        argument=Argument.OPTIONAL_INDEX,
        several=Several.ANY,
    )


FIELDS = (
    plain("proc.pid", "proc.pid", Type.NUMBER, "Process id on the host."),
    plain("proc.vpid", "proc.vpid", Type.NUMBER, "Process id in the container."),
    plain("proc.name", "proc.name", Type.STRING, "Name of the process: the kernel's comm, 15 bytes."),
    plain("proc.exe", "proc.exe", Type.STRING, "First argument of the command line."),
    plain("proc.exepath", "proc.exepath", Type.STRING, "Path of the executable."),
    Field(
        name="proc.args",
        type=Type.STRING,
        doc="Arguments after the first, with blanks between.",
        needs=("proc.argv",),
        read=_args,
        words=lambda event: event.proc.arguments,
    ),
    _made("proc.cmdline", Type.STRING, "proc.name and proc.args.", ("proc.name", "proc.argv"), _cmdline),
    _made("proc.exeline", Type.STRING, "proc.exe and proc.args.", ("proc.exe", "proc.argv"), _exeline),
    Field(
        name="proc.env",
        type=Type.STRING,
        doc="The environment; proc.env[NAME] one variable of it.",
        needs=("proc.envs",),
        read=_environment,
        argument=Argument.OPTIONAL_KEY,
    ),
    _made("proc.cwd", Type.STRING, "Working directory, with a slash at the end.", ("proc.cwd",), _cwd),
    plain("proc.tty", "proc.tty", Type.NUMBER, "Device number of the controlling terminal, 0 without one."),
    plain("proc.session_leader", "proc.sname", Type.STRING, "Name of the session's leader."),
    plain("proc.is_process_group_leader", "proc.is_vpgid_leader", Type.BOOLEAN, "Whether it leads its process group."),
    plain("proc.duration", "proc.duration", Type.NUMBER, "Nanoseconds from the start of the process to the event."),
    plain("proc.exe_inode", "proc.exe_ino", Type.NUMBER, "Inode of the executable."),
    plain(
        "proc.exe_ctime", "proc.exe_ino.ctime", Type.NUMBER, "Last change of the executable's inode, ns of the epoch."
    ),
    plain("proc.exe_mtime", "proc.exe_ino.mtime", Type.NUMBER, "Last change of the executable's content."),
    _made(
        "proc.exe_ino.ctime_duration_proc_start",
        Type.NUMBER,
        "Nanoseconds from the inode's last change to the start of the process.",
        ("proc.exe_ino.ctime", "proc.duration"),
        _changed_before_start,
    ),
    plain("proc.exe_upper_layer", "proc.is_exe_upper_layer", Type.BOOLEAN, "Whether the file is not the image's."),
    plain("proc.exe_from_memfd", "proc.is_exe_from_memfd", Type.BOOLEAN, "Whether the executable is in memory only."),
    plain("proc.parent", "proc.ppid", Type.NUMBER, "The parent's process id."),
    _made("proc.pname", Type.STRING, "The parent's name.", ("proc.pname",), _parent_name),
    _made("proc.pexe", Type.STRING, "The parent's first argument.", ABOVE, _parent("exe")),
    _made("proc.pexepath", Type.STRING, "The path of the parent's executable.", ABOVE, _parent("exepath")),
    _made("proc.pcmdline", Type.STRING, "The parent's command line.", ABOVE, _pcmdline),
    plain("proc.parent_vpid", "proc.pvpid", Type.NUMBER, "The parent's process id in the container."),
    _of_ancestors("proc.aname", Type.STRING, "Name", _named),
    _of_ancestors("proc.aexe", Type.STRING, "First argument", _ancestor("exe")),
    _of_ancestors("proc.aexepath", Type.STRING, "Path of the executable", _ancestor("exepath")),
    _of_ancestors("proc.apid", Type.NUMBER, "Process id", _ancestor("pid")),
    _of_ancestors("proc.acmdline", Type.STRING, "Command line", _ancestor_cmdline),
    plain("proc.tid", "thread.tid", Type.NUMBER, "Thread id on the host."),
    _made(
        *("thread.cap_permitted", Type.STRING, "Permitted capabilities: CAP_CHOWN CAP_KILL."),
        *(("thread.cap_permitted",), _capabilities("cap_permitted")),
    ),
    _made(
        *("thread.cap_effective", Type.STRING, "Effective capabilities."),
        *(("thread.cap_effective",), _capabilities("cap_effective")),
    ),
    _made(
        *("thread.cap_inheritable", Type.STRING, "Inheritable capabilities."),
        *(("thread.cap_inheritable",), _capabilities("cap_inheritable")),
    ),
)
