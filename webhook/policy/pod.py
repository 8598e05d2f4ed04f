"""The part of the Kubernetes pod API that any decision reads, as typed values.

In: JSON decoded by msgspec straight into these Structs (`webhook.review`) or YAML trees converted into them
(`podseal check`). Out: one pod model for all callers; everything unread is skipped while decoding.
A field is UNSET where it was absent, None where it said null; both are falsy, and the API treats them alike, but
an edit must know the difference (RFC 6902 `add` needs an existing parent).
Types follow k8s.io/api/core/v1 of Kubernetes 1.37; a value of another type is an error that names its path.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

OptionalBool = bool | None | UnsetType
OptionalInt = int | None | UnsetType
OptionalStr = str | None | UnsetType
OptionalObject = dict[str, Any] | None | UnsetType


class ApiObject(Struct, frozen=True, rename="camel", gc=False):
    """Base of every Struct here: immutable, API field names, unknown fields skipped."""


class Capabilities(ApiObject, frozen=True):
    """securityContext.capabilities: names without the CAP_ prefix, `ALL` for every one."""

    add: list[str] | None | UnsetType = UNSET
    drop: list[str] | None | UnsetType = UNSET


class Profile(ApiObject, frozen=True):
    """seccompProfile and appArmorProfile: both are a type and a localhostProfile."""

    type: OptionalStr = UNSET
    localhost_profile: OptionalStr = UNSET


class SELinuxOptions(ApiObject, frozen=True):
    """seLinuxOptions: only the type, user and role are judged; a seed container takes over the level."""

    type: OptionalStr = UNSET
    user: OptionalStr = UNSET
    role: OptionalStr = UNSET
    level: OptionalStr = UNSET


class WindowsOptions(ApiObject, frozen=True):
    """windowsOptions of a pod or a container."""

    host_process: OptionalBool = UNSET
    run_as_user_name: OptionalStr = UNSET


class Sysctl(ApiObject, frozen=True):
    """One entry of the pod's securityContext.sysctls."""

    name: str = ""


class SecurityContext(ApiObject, frozen=True):
    """A container's securityContext."""

    privileged: OptionalBool = UNSET
    read_only_root_filesystem: OptionalBool = UNSET
    allow_privilege_escalation: OptionalBool = UNSET
    run_as_non_root: OptionalBool = UNSET
    run_as_user: OptionalInt = UNSET
    run_as_group: OptionalInt = UNSET
    proc_mount: OptionalStr = UNSET
    capabilities: Capabilities | None | UnsetType = UNSET
    seccomp_profile: Profile | None | UnsetType = UNSET
    app_armor_profile: Profile | None | UnsetType = UNSET
    se_linux_options: SELinuxOptions | None | UnsetType = UNSET
    windows_options: WindowsOptions | None | UnsetType = UNSET


class PodSecurityContext(ApiObject, frozen=True):
    """The pod's securityContext: what its containers inherit."""

    run_as_non_root: OptionalBool = UNSET
    run_as_user: OptionalInt = UNSET
    run_as_group: OptionalInt = UNSET
    seccomp_profile: Profile | None | UnsetType = UNSET
    app_armor_profile: Profile | None | UnsetType = UNSET
    se_linux_options: SELinuxOptions | None | UnsetType = UNSET
    windows_options: WindowsOptions | None | UnsetType = UNSET
    sysctls: list[Sysctl] | None | UnsetType = UNSET


class Port(ApiObject, frozen=True):
    """One entry of a container's ports."""

    container_port: OptionalInt = UNSET
    host_port: OptionalInt = UNSET


class HostAction(ApiObject, frozen=True):
    """httpGet and tcpSocket of a probe or a lifecycle hook: only the host is judged (KEP-4940)."""

    host: OptionalStr = UNSET


class Handler(ApiObject, frozen=True):
    """A probe or a lifecycle hook."""

    http_get: HostAction | None | UnsetType = UNSET
    tcp_socket: HostAction | None | UnsetType = UNSET


class Lifecycle(ApiObject, frozen=True):
    """The lifecycle hooks of a container."""

    post_start: Handler | None | UnsetType = UNSET
    pre_stop: Handler | None | UnsetType = UNSET


class VolumeMount(ApiObject, frozen=True):
    """One entry of a container's volumeMounts."""

    name: str = ""
    mount_path: str = ""
    read_only: OptionalBool = UNSET
    sub_path: OptionalStr = UNSET
    sub_path_expr: OptionalStr = UNSET


class VolumeDevice(ApiObject, frozen=True):
    """One entry of a container's volumeDevices: a block device, whose path no mount may take."""

    device_path: str = ""


class Container(ApiObject, frozen=True):
    """A container of any kind: init, native sidecar, main or ephemeral share these fields."""

    name: str = ""
    image: OptionalStr = UNSET
    image_pull_policy: OptionalStr = UNSET
    restart_policy: OptionalStr = UNSET
    security_context: SecurityContext | None | UnsetType = UNSET
    ports: list[Port] | None | UnsetType = UNSET
    volume_mounts: list[VolumeMount] | None | UnsetType = UNSET
    volume_devices: list[VolumeDevice] | None | UnsetType = UNSET
    resources: OptionalObject = UNSET
    liveness_probe: Handler | None | UnsetType = UNSET
    readiness_probe: Handler | None | UnsetType = UNSET
    startup_probe: Handler | None | UnsetType = UNSET
    lifecycle: Lifecycle | None | UnsetType = UNSET


class EmptyDir(ApiObject, frozen=True):
    """volumes[].emptyDir."""

    medium: OptionalStr = UNSET
    size_limit: str | int | float | None | UnsetType = UNSET


class HostPath(ApiObject, frozen=True):
    """volumes[].hostPath."""

    path: str = ""
    type: OptionalStr = UNSET


class Volume(ApiObject, frozen=True):
    """One entry of spec.volumes: a name and exactly one source, `emptyDir` where none is set.

    Sources that are only counted by their type are kept undecoded.
    """

    name: str = ""
    empty_dir: EmptyDir | None | UnsetType = UNSET
    host_path: HostPath | None | UnsetType = UNSET
    config_map: OptionalObject = UNSET
    csi: OptionalObject = UNSET
    downward_api: OptionalObject = field(default=UNSET, name="downwardAPI")
    ephemeral: OptionalObject = UNSET
    image: OptionalObject = UNSET
    persistent_volume_claim: OptionalObject = UNSET
    projected: OptionalObject = UNSET
    secret: OptionalObject = UNSET
    aws_elastic_block_store: OptionalObject = field(default=UNSET, name="awsElasticBlockStore")
    azure_disk: OptionalObject = UNSET
    azure_file: OptionalObject = UNSET
    cephfs: OptionalObject = UNSET
    cinder: OptionalObject = UNSET
    fc: OptionalObject = UNSET
    flex_volume: OptionalObject = UNSET
    flocker: OptionalObject = UNSET
    gce_persistent_disk: OptionalObject = UNSET
    git_repo: OptionalObject = UNSET
    glusterfs: OptionalObject = UNSET
    iscsi: OptionalObject = UNSET
    nfs: OptionalObject = UNSET
    photon_persistent_disk: OptionalObject = UNSET
    portworx_volume: OptionalObject = UNSET
    quobyte: OptionalObject = UNSET
    rbd: OptionalObject = UNSET
    scale_io: OptionalObject = field(default=UNSET, name="scaleIO")
    storageos: OptionalObject = UNSET
    vsphere_volume: OptionalObject = UNSET


class OperatingSystem(ApiObject, frozen=True):
    """spec.os."""

    name: str = ""


class PodSpec(ApiObject, frozen=True):
    """The spec of a pod or of a pod template."""

    containers: list[Container] | None | UnsetType = UNSET
    init_containers: list[Container] | None | UnsetType = UNSET
    ephemeral_containers: list[Container] | None | UnsetType = UNSET
    volumes: list[Volume] | None | UnsetType = UNSET
    security_context: PodSecurityContext | None | UnsetType = UNSET
    os: OperatingSystem | None | UnsetType = UNSET
    host_network: OptionalBool = UNSET
    host_pid: OptionalBool = field(default=UNSET, name="hostPID")
    host_ipc: OptionalBool = field(default=UNSET, name="hostIPC")
    host_users: OptionalBool = UNSET
    service_account_name: OptionalStr = UNSET
    runtime_class_name: OptionalStr = UNSET


class OwnerReference(ApiObject, frozen=True):
    """One entry of metadata.ownerReferences: whom to name where the pod has no name yet."""

    kind: str = ""
    name: str = ""
    controller: OptionalBool = UNSET


class Metadata(ApiObject, frozen=True):
    """metadata of a pod, a template or a workload."""

    name: OptionalStr = UNSET
    generate_name: OptionalStr = UNSET
    namespace: OptionalStr = UNSET
    annotations: dict[str, str | None] | None | UnsetType = UNSET
    owner_references: list[OwnerReference] | None | UnsetType = UNSET


class Pod(ApiObject, frozen=True):
    """A pod, or a pod template, which has the same two parts."""

    metadata: Metadata | None | UnsetType = UNSET
    spec: PodSpec | None | UnsetType = UNSET
