"""The Event: what happened on the node, as frozen values that every stage of the monitor passes on.

In: `kernel.decode` makes one of each record of the ring (the parts `evt`, `proc`, `fd`), `enrich` fills in the others
by `msgspec.structs.replace`. Out: `rules` reads the attributes; `record` writes an Event as one flat object whose keys
are Falco's field names, `restore` reads it back, so that a recorded event is judged by the same code as a live one.

Every part is always there and every attribute may be None, "not known": a rule's comparison with None is false
(Falco's semantics of a missing value), so a value is never invented to fill a gap.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct, field

SCHEMA: Final = 1
"""The version of recorded events: the key `schema` of each line."""


class Call(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened: the part `evt`. Times are nanoseconds since the epoch, results are the kernel's own numbers."""

    type: str = field(name="evt.type", default="")
    time: int = field(name="evt.rawtime", default=0)
    num: int | None = field(name="evt.num", default=None)
    cpu: int | None = field(name="evt.cpu", default=None)
    sequence: int | None = field(name="podseal.sequence", default=None)
    node: str | None = field(name="evt.hostname", default=None)
    boot: str | None = field(name="podseal.boot", default=None)
    raw_result: int | None = field(name="evt.rawres", default=None)
    result: str | None = field(name="evt.res", default=None)  # SUCCESS, or the name of the error: EROFS
    arguments: dict[str, str | int] = field(name="evt.args", default_factory=dict)  # name -> value: flags, path, mode
    is_open_read: bool | None = field(name="evt.is_open_read", default=None)
    is_open_write: bool | None = field(name="evt.is_open_write", default=None)
    is_open_exec: bool | None = field(name="evt.is_open_exec", default=None)
    buffer: bytes | None = field(name="evt.buffer", default=None)
    gap: int | None = field(name="podseal.gap", default=None)  # events lost on this CPU since the one before


class Ancestor(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A process above another one: what rules ask about it."""

    pid: int | None = None
    start: int | None = None  # ns since boot
    name: str | None = None
    exe: str | None = None
    exepath: str | None = None
    arguments: tuple[str, ...] | None = None
    vpid: int | None = None


class Process(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who did it: the parts `proc` and `thread`. pids are the host's, `vpid` is the container's."""

    pid: int | None = field(name="proc.pid", default=None)
    tid: int | None = field(name="thread.tid", default=None)
    vpid: int | None = field(name="proc.vpid", default=None)
    start: int | None = field(name="proc.pid.ts", default=None)  # ns since boot
    parent: int | None = field(name="proc.ppid", default=None)
    parent_vpid: int | None = field(name="proc.pvpid", default=None)
    parent_start: int | None = field(name="podseal.parent_start", default=None)  # ns since boot
    parent_name: str | None = field(name="proc.pname", default=None)
    duration: int | None = field(name="proc.duration", default=None)  # ns from its start to the event, by the kernel
    name: str | None = field(name="proc.name", default=None)  # the kernel's comm, 15 bytes
    exe: str | None = field(name="proc.exe", default=None)  # argv[0]
    exepath: str | None = field(name="proc.exepath", default=None)
    arguments: tuple[str, ...] | None = field(name="proc.argv", default=None)  # argv[1:]
    environment: tuple[str, ...] | None = field(name="proc.envs", default=None)
    cwd: str | None = field(name="proc.cwd", default=None)
    tty: int | None = field(name="proc.tty", default=None)  # device number, 0 without a terminal
    script: str | None = field(name="podseal.script", default=None)  # as named, where an interpreter runs it
    session_leader_vpid: int | None = field(name="proc.sid", default=None)
    session_leader: str | None = field(name="proc.sname", default=None)
    is_process_group_leader: bool | None = field(name="proc.is_vpgid_leader", default=None)
    ancestors: tuple[Ancestor, ...] | None = field(name="proc.ancestors", default=None)  # the parent first
    cap_permitted: int | None = field(name="thread.cap_permitted", default=None)  # bit masks
    cap_effective: int | None = field(name="thread.cap_effective", default=None)
    cap_inheritable: int | None = field(name="thread.cap_inheritable", default=None)
    exe_inode: int | None = field(name="proc.exe_ino", default=None)
    exe_device: int | None = field(name="podseal.exe_dev", default=None)
    exe_deleted: bool | None = field(name="podseal.exe_deleted", default=None)
    exe_on_root: bool | None = field(name="podseal.exe_on_root", default=None)  # on the container's root file system
    exe_ctime: int | None = field(name="proc.exe_ino.ctime", default=None)  # ns since the epoch
    exe_mtime: int | None = field(name="proc.exe_ino.mtime", default=None)
    exe_upper_layer: bool | None = field(name="proc.is_exe_upper_layer", default=None)
    exe_from_memfd: bool | None = field(name="proc.is_exe_from_memfd", default=None)
    cgroup_id: int | None = field(name="podseal.cgroup_id", default=None)  # inode number in the unified hierarchy
    cgroup: str | None = field(name="podseal.cgroup", default=None)  # path, as /proc/PID/cgroup has it
    pid_namespace: int | None = field(name="podseal.pidns", default=None)  # inode numbers
    mount_namespace: int | None = field(name="podseal.mntns", default=None)


class File(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What it was done to: the part `fd`, a file or a socket. Paths are as seen from the container's root."""

    number: int | None = field(name="fd.num", default=None)
    name: str | None = field(name="fd.name", default=None)
    name_raw: str | None = field(name="fd.nameraw", default=None)
    old_name: str | None = field(name="podseal.old_name", default=None)  # of rename and link
    type_character: str | None = field(name="fd.typechar", default=None)
    type: str | None = field(name="fd.type", default=None)
    device: int | None = field(name="fd.dev", default=None)
    inode: int | None = field(name="fd.ino", default=None)
    root: int | None = field(name="podseal.root", default=None)  # st_dev of the container's root this is about
    created: bool | None = field(name="podseal.created", default=None)
    upper_layer: bool | None = field(name="podseal.upper_layer", default=None)
    from_host_tree: bool | None = field(name="podseal.from_host_tree", default=None)  # by the host, into the upperdir
    last: bool | None = field(name="podseal.container_ended", default=None)  # with this procexit
    path_source: str | None = field(name="fd.path_source", default=None)  # object, argument
    path_cut: bool | None = field(name="podseal.path_cut", default=None)
    l4proto: str | None = field(name="fd.l4proto", default=None)
    socket_family: str | None = field(name="fd.sockfamily", default=None)  # ip, unix
    local_address: str | None = field(name="fd.lip", default=None)
    local_port: int | None = field(name="fd.lport", default=None)
    remote_address: str | None = field(name="fd.rip", default=None)
    remote_port: int | None = field(name="fd.rport", default=None)
    is_server: bool | None = field(name="fd.is_server", default=None)  # our end is the one that listens
    local_names: tuple[str, ...] | None = field(name="fd.lip.name", default=None)  # known names of the addresses:
    remote_names: tuple[str, ...] | None = field(name="fd.rip.name", default=None)  # Services, by enrich
    connected: bool | None = field(name="fd.connected", default=None)
    name_changed: bool | None = field(name="fd.name_changed", default=None)
    bytes_written: int | None = field(name="podseal.bytes", default=None)  # in summaries of further writes
    writes: int | None = field(name="podseal.writes", default=None)


class Mount(Struct, frozen=True):
    """A mount of a container, as its OCI configuration lists it."""

    source: str
    destination: str
    writable: bool
    type: str = ""


class Container(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """In which container: the part `container`. `id` is "host" outside of all."""

    id: str | None = field(name="container.id", default=None)  # the first twelve digits, as Falco has it
    full_id: str | None = field(name="container.full_id", default=None)
    name: str | None = field(name="container.name", default=None)
    type: str | None = field(name="container.type", default=None)  # containerd, cri-o, docker, host
    image: str | None = field(name="container.image", default=None)
    image_repository: str | None = field(name="container.image.repository", default=None)
    image_tag: str | None = field(name="container.image.tag", default=None)
    image_digest: str | None = field(name="container.image.digest", default=None)
    privileged: bool | None = field(name="container.privileged", default=None)
    start: int | None = field(name="container.start_ts", default=None)  # ns since the epoch
    entrypoint: tuple[str, ...] | None = field(name="podseal.entrypoint", default=None)
    mounts: tuple[Mount, ...] | None = field(name="podseal.mounts", default=None)
    rootfs_readonly: bool | None = field(name="pod.rootfs_readonly", default=None)


class Pod(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """In which pod: the part `k8s`. `pending` says that the metadata had not come within the bound."""

    name: str | None = field(name="k8s.pod.name", default=None)
    namespace: str | None = field(name="k8s.ns.name", default=None)
    uid: str | None = field(name="k8s.pod.uid", default=None)
    labels: dict[str, str] | None = field(name="k8s.pod.labels", default=None)
    service_account: str | None = field(name="k8s.pod.sa", default=None)
    node: str | None = field(name="k8s.node.name", default=None)
    pending: bool | None = field(name="k8s.pending", default=None)


class User(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """As which user of the container: the parts `user` and `group`."""

    uid: int | None = field(name="user.uid", default=None)
    name: str | None = field(name="user.name", default=None)  # by the container's own passwd
    login_uid: int | None = field(name="user.loginuid", default=None)  # -1 without a login
    login_name: str | None = field(name="user.loginname", default=None)
    gid: int | None = field(name="group.gid", default=None)
    group: str | None = field(name="group.name", default=None)


class Session(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """By which way somebody came in: the parts `exec` and `session`, inherited by the whole tree of processes."""

    id: str | None = field(name="exec.session", default=None)
    kind: str | None = field(name="exec.kind", default=None)  # exec, debug, nsenter, probe, unknown
    entry: bool | None = field(name="podseal.session_entry", default=None)  # the exec by which it began
    in_cgroup: bool | None = field(name="podseal.session_in_cgroup", default=None)  # false: nsenter from the host
    tty: bool | None = field(name="exec.tty", default=None)
    stdin: str | None = field(name="session.stdin", default=None)  # pipe, tty, null, file
    command: tuple[str, ...] | None = field(name="session.command", default=None)
    start: int | None = field(name="session.start", default=None)  # ns since the epoch


class Drift(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a container departed from its image: the parts `drift` and `cp`."""

    kind: str | None = field(name="drift.kind", default=None)  # write, attempt, exec, escape
    layer: str | None = field(name="drift.layer", default=None)  # upper, memfd, deleted, volume
    repeated: bool | None = field(name="podseal.repeated", default=None)  # the process opened the file before, told
    shell: bool | None = field(name="podseal.shell", default=None)  # by what the file is, not by its name
    copy_direction: str | None = field(name="cp.direction", default=None)  # in, out
    copy_paths: tuple[str, ...] | None = field(name="cp.paths", default=None)


class Event(Struct, frozen=True, kw_only=True):
    """One thing that happened on the node."""

    evt: Call
    proc: Process = Process()
    fd: File = File()
    container: Container = Container()
    pod: Pod = Pod()
    user: User = User()
    session: Session = Session()
    drift: Drift = Drift()

    @property
    def id(self) -> str:
        """`<node>/<boot>/<cpu>/<sequence>`: the same for the same event however often it is delivered."""
        return f"{self.evt.node}/{self.evt.boot}/{self.evt.cpu}/{self.evt.sequence}"


PARTS: Final[dict[str, type[Struct]]] = {
    "evt": Call,
    "proc": Process,
    "fd": File,
    "container": Container,
    "pod": Pod,
    "user": User,
    "session": Session,
    "drift": Drift,
}


def record(event: Event) -> dict[str, Any]:
    """An event as one flat object with Falco's names as keys; what is not known is left out."""
    flat: dict[str, Any] = {"schema": SCHEMA}
    for name in PARTS:
        flat.update(msgspec.to_builtins(getattr(event, name)))
    return flat


def restore(flat: dict[str, Any]) -> Event:
    """An event from what `record` made of it.

    Raises `ValueError` where the schema is another one or a value has the wrong type (`msgspec.ValidationError`).
    """
    if flat.get("schema") != SCHEMA:
        raise ValueError(f"schema {flat.get('schema')!r}: this version reads {SCHEMA}")
    parts: dict[str, Any] = {name: msgspec.convert(flat, part) for name, part in PARTS.items()}
    return Event(**parts)
