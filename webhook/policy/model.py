"""The values that pass between the stages of a decision: all frozen, none knows I/O.

In: what the callers know (a `Subject`, a `Policy`). Out: a `Verdict` of `Finding`s and `Edit`s.
Read by every module of the core and by its three callers: the webhook, `podseal check`, `podseal scan`.
"""

import functools
from datetime import datetime
from typing import Literal

from msgspec import Struct

from webhook.policy.pod import Pod

Profile = Literal["off", "baseline", "default", "strict"]
Mode = Literal["deny", "warn", "audit"]
Mutate = Literal["off", "known", "all"]
Gate = Literal["allow", "record", "deny"]
ContainerKind = Literal["containers", "initContainers", "ephemeralContainers"]

MODES: tuple[Mode, ...] = ("deny", "warn", "audit")
NEWEST_VERSION = 1


class User(Struct, frozen=True):
    """Who sent the request: the API server's userInfo."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()


class Connect(Struct, frozen=True):
    """What a CONNECT asks for: the options object of exec, attach, port-forward or a proxy."""

    container: str = ""
    command: tuple[str, ...] = ()
    stdin: bool = False
    tty: bool = False
    path: str = ""


class Subject(Struct, frozen=True):
    """What is judged. `pod` is the pod itself or the template inside a workload of the given kind.

    `check` and `scan` build it with operation CREATE. `old_pod` is the pod before an UPDATE. A CONNECT has no pod,
    only its options; its kind is theirs, as in `PodExecOptions`.
    """

    kind: str
    operation: str = "CREATE"
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    user: User = User()
    pod: Pod | None = None
    old_pod: Pod | None = None
    connect: Connect | None = None
    dry_run: bool = False


class Level(Struct, frozen=True):
    """A profile at a version, as one of the labels enforce, warn and audit names it."""

    profile: Profile
    version: int = NEWEST_VERSION


class AllowedHostPath(Struct, frozen=True):
    """A host path that pods may mount: the path itself or anything below it."""

    path: str
    read_only: bool = True


class Options(Struct, frozen=True):
    """What the settings, never the labels, say about how controls judge."""

    allowed_host_paths: tuple[AllowedHostPath, ...] = (
        AllowedHostPath("/etc/localtime"),
        AllowedHostPath("/usr/share/zoneinfo"),
        AllowedHostPath("/etc/ssl/certs"),
    )
    empty_dir_size_limit: str = "256Mi"


class Waiver(Struct, frozen=True):
    """One `podseal.dev/exempt.<control>` label. `until` is the first instant at which it no longer holds.

    None means permanent. Service accounts and images narrow it; None means every one, and an empty tuple none.
    """

    control: str
    label: str
    until: datetime | None
    service_accounts: tuple[str, ...] | None = None
    images: tuple[str, ...] | None = None
    reason: str = ""
    ticket: str = ""


class Floor(Struct, frozen=True):
    """What no label goes below in the namespaces whose name matches a pattern (`*` and `?` as in a shell)."""

    namespaces: tuple[str, ...]
    enforce: Profile = "off"
    warn: Profile = "off"
    audit: Profile = "off"
    mutate: Mutate = "off"
    exec: Gate = "allow"
    connect: Gate = "allow"


class Defaults(Struct, frozen=True):
    """What the settings say about policies: what holds without labels, and how far labels may go.

    `expiry_time` is the minute of the last valid day, in UTC, at which a waiver ends; 24 * 60 is its end.
    `max_exemption_days` bounds how far away a waiver's date may be; 0 means that there is no bound.
    """

    enforce: Level = Level("default")
    warn: Level = Level("strict")
    audit: Level = Level("strict")
    mutate: Mutate = "known"
    exec: Gate = "record"
    connect: Gate = "allow"
    floors: tuple[Floor, ...] = ()
    allow_permanent: bool = False
    max_exemption_days: int = 366
    expiry_time: int = 24 * 60
    require_reason: bool = False
    require_ticket: bool = False
    options: Options = Options()


class Policy(Struct, frozen=True):
    """What holds in one namespace: the settings' defaults, the labels, the floors, already merged."""

    enforce: Level = Level("default")
    warn: Level = Level("strict")
    audit: Level = Level("strict")
    mutate: Mutate = "known"
    exec: Gate = "record"
    connect: Gate = "allow"
    waivers: tuple[Waiver, ...] = ()
    problems: tuple[str, ...] = ()
    options: Options = Options()


class Violation(Struct, frozen=True, gc=False):
    """What a control saw: the field, its value and, where they differ from the control's own, allowed and fix.

    `container` is empty where the field concerns the whole pod. A value that a container inherits is reported for
    that container, at the pod's path: a new ephemeral container is then judged for what it inherits, and for
    nothing else. `path` starts at the pod, as in `spec.hostPID`. `seen` is the value as JSON would show it, or a
    phrase for what is missing.
    """

    path: str
    seen: str
    container: str = ""
    image: str = ""
    allowed: str = ""
    fix: str = ""


class Finding(Struct, frozen=True, gc=False):
    """A violation, placed: which object, which field of it, and what follows from it.

    `path` starts at the object, as in `spec.template.spec.hostPID`. `mode` is the strongest of `modes`.
    `fixed` says that the mutation of the same request repairs it.
    """

    control: str
    modes: tuple[Mode, ...]
    kind: str
    namespace: str
    name: str
    container: str
    path: str
    seen: str
    allowed: str
    fix: str
    fixed: bool = False

    @property
    def mode(self) -> Mode:
        """The strongest consequence: deny before warn before audit."""
        return self.modes[0]

    @property
    def what(self) -> str:
        """The field and its value, without the object: what a person reads first."""
        where = f"container {self.container}: " if self.container else ""
        return f"{where}{self.path} is {self.seen}"

    @property
    def message(self) -> str:
        """One sentence each for where, what was seen, what is allowed and how to fix it."""
        identity = "/".join(part for part in (self.kind, self.namespace, self.name) if part)
        return f"{identity}, {self.what}. Allowed: {self.allowed}. Fix: {self.fix}"


class Waived(Struct, frozen=True):
    """A finding that would deny, but for a waiver."""

    finding: Finding
    waiver: Waiver


class GateVerdict(Struct, frozen=True):
    """Whether somebody may reach into a running pod, and what it was. `action` is empty where nobody does."""

    gate: Gate
    action: str = ""
    reason: str = ""


class SetReadOnlyRoot(Struct, frozen=True, gc=False):
    """Set readOnlyRootFilesystem to true where it is absent or null."""

    container_kind: ContainerKind
    index: int


class AddEmptyDir(Struct, frozen=True, gc=False):
    """Add a volume to the pod. `medium` is empty for disk, `Memory` for tmpfs; `mode` is None for the default 0777.

    A server that does not know emptyDir.mode (alpha in 1.37, KEP-5502) drops it from the patched pod.
    """

    name: str
    size_limit: str
    medium: str = ""
    mode: int | None = None


class AddMount(Struct, frozen=True, gc=False):
    """Mount a volume of the pod writable into one container."""

    container_kind: ContainerKind
    index: int
    volume: str
    path: str


class AddSeedContainer(Struct, frozen=True, gc=False):
    """Put an init container first that copies what the image ships at `path` into the volume.

    The container at `index` is the one whose image, user and resources it takes. An index is that of the pod as it
    was received: these edits come after every other edit of a container.
    """

    name: str
    container_kind: ContainerKind
    index: int
    volume: str
    path: str


class Annotate(Struct, frozen=True, gc=False):
    """Set an annotation of the pod."""

    key: str
    value: str


Edit = SetReadOnlyRoot | AddEmptyDir | AddMount | AddSeedContainer | Annotate


class Mutation(Struct, frozen=True):
    """What the webhook would change, in order, and what it wants people to know.

    `notes` are one-line texts: seed paths left alone, image volumes, malformed annotations.
    """

    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, dict=True):
    """The answer to one Subject. `skipped` says why nothing was judged, else it is empty.

    `findings` speak of the object as received; those with `fixed` disappear once `mutation` is applied.
    """

    subject: Subject
    findings: tuple[Finding, ...] = ()
    waived: tuple[Waived, ...] = ()
    mutation: Mutation = Mutation()
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @functools.cached_property
    def denied(self) -> tuple[Finding, ...]:
        """The findings for which this object, as it was received, is refused: empty for workload templates."""
        if self.subject.kind != "Pod":
            return ()
        return tuple(finding for finding in self.findings if "deny" in finding.modes)

    @functools.cached_property
    def remaining(self) -> tuple[Finding, ...]:
        """What is still wrong after the mutation: what `check` reports and templates are warned of."""
        return tuple(finding for finding in self.findings if not finding.fixed)
