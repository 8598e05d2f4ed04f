"""What is read of a pod that the API server describes: labels, and the commands that the kubelet runs by itself.

In: a pod as JSON, decoded by msgspec into `PodObject`. Out: `Facts`, frozen and small: a node holds a hundred of them.
Pure. Called by `enrich.pods`.
"""

from collections.abc import Iterator

from msgspec import Struct

CONFIG_HASH = "kubernetes.io/config.hash"
"""The uid of a static pod in the eyes of kubelet and runtime; the API server's mirror has another one
(k8s.io/kubernetes/pkg/kubelet/types, ConfigHashAnnotationKey)."""


class ApiObject(Struct, frozen=True, rename="camel", gc=False):
    """Base of every Struct here: API field names; what is not named is skipped while decoding."""


class ExecAction(ApiObject, frozen=True):
    """A command that the kubelet runs inside the container, not in a shell."""

    command: list[str] | None = None


class Handler(ApiObject, frozen=True):
    """A probe or a lifecycle hook; all but `exec` reach the container by the network."""

    exec: ExecAction | None = None


class Lifecycle(ApiObject, frozen=True):
    """Hooks after the start and before the end."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None


class ContainerSpec(ApiObject, frozen=True):
    """A container of any kind; ephemeral ones have no probes."""

    name: str = ""
    liveness_probe: Handler | None = None
    readiness_probe: Handler | None = None
    startup_probe: Handler | None = None
    lifecycle: Lifecycle | None = None


class Metadata(ApiObject, frozen=True):
    """metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Spec(ApiObject, frozen=True):
    """spec."""

    node_name: str = ""
    service_account_name: str = ""
    init_containers: list[ContainerSpec] | None = None
    containers: list[ContainerSpec] | None = None
    ephemeral_containers: list[ContainerSpec] | None = None


class ContainerStatus(ApiObject, frozen=True, rename={"image_id": "imageID"}):
    """What became of a container: `imageID` is `repository@digest` where the image was pulled."""

    name: str = ""
    image_id: str = ""


class Status(ApiObject, frozen=True):
    """status."""

    init_container_statuses: list[ContainerStatus] | None = None
    container_statuses: list[ContainerStatus] | None = None
    ephemeral_container_statuses: list[ContainerStatus] | None = None


class PodObject(ApiObject, frozen=True):
    """A pod."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()


class Facts(Struct, frozen=True):
    """What enriches an event. `commands`: container -> argvs of its exec probes and lifecycle hooks.

    `uids` are all by which a bundle may name the pod; `digests` maps containers to their image's digest.
    """

    name: str
    namespace: str
    uids: tuple[str, ...]
    labels: dict[str, str]
    service_account: str | None
    node: str | None
    commands: dict[str, frozenset[tuple[str, ...]]]
    ephemeral: frozenset[str]
    digests: dict[str, str]


def facts(pod: PodObject) -> Facts:
    """The facts of one pod."""
    metadata, spec = pod.metadata, pod.spec
    containers = [*(spec.init_containers or ()), *(spec.containers or ())]
    mirrored = (metadata.annotations or {}).get(CONFIG_HASH)
    return Facts(
        name=metadata.name,
        namespace=metadata.namespace,
        uids=(metadata.uid, mirrored) if mirrored else (metadata.uid,),
        labels=metadata.labels or {},
        service_account=spec.service_account_name or None,
        node=spec.node_name or None,
        commands={each.name: commands for each in containers if (commands := frozenset(_commands(each)))},
        ephemeral=frozenset(each.name for each in spec.ephemeral_containers or ()),
        digests=dict(_digests(pod.status)),
    )


def _commands(container: ContainerSpec) -> Iterator[tuple[str, ...]]:
    lifecycle = container.lifecycle or Lifecycle()
    handlers = (
        container.liveness_probe,
        container.readiness_probe,
        container.startup_probe,
        lifecycle.post_start,
        lifecycle.pre_stop,
    )
    for handler in handlers:
        if handler is not None and handler.exec is not None and handler.exec.command:
            yield tuple(handler.exec.command)


def _digests(status: Status) -> Iterator[tuple[str, str]]:
    for statuses in (status.init_container_statuses, status.container_statuses, status.ephemeral_container_statuses):
        for each in statuses or ():
            # An image that was imported has its configuration's digest here, which no registry knows.
            digest = each.image_id.partition("@")[2]
            if digest:
                yield each.name, digest
