"""The one visitor of a pod's containers: init, native sidecar, main, ephemeral, with what they inherit.

In: a `Pod`. Out: a `PodView` that every control reads. Made once per decision by `decide`.
Effective values follow k8s.io/kubernetes/pkg/securitycontext: the container's field wins where it is not null.
"""

from collections.abc import Iterable, Sequence

from webhook.policy import model, pod

NO_SECURITY_CONTEXT = pod.SecurityContext()
NO_POD_SECURITY_CONTEXT = pod.PodSecurityContext()
NO_SPEC = pod.PodSpec()
NO_METADATA = pod.Metadata()

KINDS: tuple[tuple[model.ContainerKind, str], ...] = (
    ("initContainers", "init_containers"),
    ("containers", "containers"),
    ("ephemeralContainers", "ephemeral_containers"),
)


class ContainerView:
    """One container: where it stands, its own securityContext, and the values in force."""

    __slots__ = ("_path", "container", "index", "kind", "pod_context", "security_context")

    def __init__(
        self,
        kind: model.ContainerKind,
        index: int,
        container: pod.Container,
        pod_context: pod.PodSecurityContext,
    ) -> None:
        self.kind = kind
        self.index = index
        self.container = container
        self.security_context = container.security_context or NO_SECURITY_CONTEXT
        self.pod_context = pod_context
        self._path = ""

    @property
    def name(self) -> str:
        """The container's name."""
        return self.container.name

    @property
    def path(self) -> str:
        """Where the container stands in the pod, as in `spec.initContainers[0]`."""
        self._path = self._path or f"spec.{self.kind}[{self.index}]"
        return self._path

    @property
    def is_sidecar(self) -> bool:
        """Whether this is a native sidecar: an init container with restartPolicy Always (KEP-753)."""
        return self.kind == "initContainers" and self.container.restart_policy == "Always"

    @property
    def run_as_user(self) -> int | None:
        """The uid in force, None where the image decides."""
        own = self.security_context.run_as_user
        if isinstance(own, int):
            return own
        inherited = self.pod_context.run_as_user
        return inherited if isinstance(inherited, int) else None

    @property
    def run_as_non_root(self) -> bool:
        """Whether the kubelet refuses to start this container as uid 0."""
        own = self.security_context.run_as_non_root
        return own if isinstance(own, bool) else bool(self.pod_context.run_as_non_root)

    def violation(self, field: str, seen: str, allowed: str = "", fix: str = "") -> model.Violation:
        """A violation at a field of this container, as in `securityContext.privileged`."""
        own = self.container
        return model.Violation(f"{self._path or self.path}.{field}", seen, own.name, own.image or "", allowed, fix)

    def inherits(self, path: str, seen: str, allowed: str = "", fix: str = "") -> model.Violation:
        """A violation of this container at a field of the pod, as in `spec.securityContext.runAsUser`."""
        own = self.container
        return model.Violation(path, seen, own.name, own.image or "", allowed, fix)


class PodView:
    """A pod as every control sees it."""

    __slots__ = ("containers", "metadata", "options", "security_context", "spec")

    def __init__(self, subject: pod.Pod, options: model.Options) -> None:
        self.options = options
        self.metadata = subject.metadata or NO_METADATA
        self.spec = subject.spec or NO_SPEC
        self.security_context = self.spec.security_context or NO_POD_SECURITY_CONTEXT
        self.containers: Sequence[ContainerView] = [
            ContainerView(kind, index, container, self.security_context)
            for kind, attribute in KINDS
            for index, container in enumerate(getattr(self.spec, attribute) or ())
        ]

    @property
    def is_windows(self) -> bool:
        """Whether spec.os.name says windows: Linux fields must then be unset (KEP-2802)."""
        return bool(self.spec.os and self.spec.os.name == "windows")

    @property
    def has_user_namespace(self) -> bool:
        """Whether uids inside are not the host's: hostUsers is false (KEP-127)."""
        return self.spec.host_users is False

    def inherited(
        self, path: str, seen: str, heirs: Iterable[ContainerView], *, fix: str = ""
    ) -> list[model.Violation]:
        """A violation at a field of the pod: one for each container that takes it over, else one for the pod.

        Pod Security admission refuses some values in the pod's securityContext even where every container overrides
        them: a container added later would not.
        """
        return [heir.inherits(path, seen, fix=fix) for heir in heirs] or [model.Violation(path, seen, fix=fix)]

    def only(self, containers: Sequence[ContainerView]) -> "PodView":
        """The same pod with fewer containers to judge (new ephemeral containers)."""
        view = PodView.__new__(PodView)
        view.options, view.metadata, view.spec = self.options, self.metadata, self.spec
        view.security_context, view.containers = self.security_context, containers
        return view
