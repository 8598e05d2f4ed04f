"""Pods for the comparison with Pod Security admission: hypothesis strategies over every field that a check reads.

Out: `pods`, a strategy of pods as JSON has them. Values come from small pools of allowed, forbidden, empty and null
ones, so that each check meets each of its branches often. Read by test_psa.py.
"""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def some(**fields: Strategy) -> Strategy:
    """An object with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def each(**fields: Strategy) -> Strategy:
    """An object with all of the fields, of which many are null: hypothesis leaves out too much if it may."""
    return st.fixed_dictionaries(fields)


def weighted(value: Strategy, nulls: int, values: int) -> Strategy:
    """Null and the value in the given proportion."""
    return st.sampled_from([False] * nulls + [True] * values).flatmap(lambda wanted: value if wanted else st.none())


def rarely(value: Strategy) -> Strategy:
    """Mostly null, which is as good as absent: what is forbidden at once would hide everything else."""
    return weighted(value, 3, 1)


def mostly(value: Strategy) -> Strategy:
    """Seldom null."""
    return weighted(value, 1, 3)


BOOL = st.sampled_from([True, False, None])
PROFILE = some(type=st.sampled_from(["RuntimeDefault", "RuntimeDefault", "Localhost", "Unconfined", "", "other", None]))
SELINUX = some(
    type=st.sampled_from(["", "container_t", "container_kvm_t", "container_engine_t", "spc_t", None]),
    user=st.sampled_from(["", None, None, "sysadm_u"]),
    role=st.sampled_from(["", None, None, "sysadm_r"]),
    level=st.just("s0:c1,c2"),
)
WINDOWS = some(
    hostProcess=BOOL, runAsUserName=st.sampled_from(["ContainerUser", None, None, None, "ContainerAdministrator"])
)
CAPABILITIES = each(
    add=st.lists(
        st.sampled_from(
            ["NET_BIND_SERVICE", "CHOWN", "MKNOD", "NET_RAW", "SYS_ADMIN", "ALL", "CAP_CHOWN", "chown", ""]
        ),
        max_size=2,
    ),
    drop=st.lists(st.sampled_from(["ALL", "ALL", "all", "NET_RAW"]), max_size=2),
)
USER = {"runAsNonRoot": st.sampled_from([True, True, False, None]), "runAsUser": st.sampled_from([0, 1, 1000, None])}
SHARED = {
    **USER,
    "seccompProfile": mostly(PROFILE),
    "appArmorProfile": rarely(PROFILE),
    "seLinuxOptions": rarely(SELINUX),
    "windowsOptions": rarely(WINDOWS),
}
CONTAINER_CONTEXT = mostly(
    each(
        **SHARED,
        privileged=rarely(BOOL),
        allowPrivilegeEscalation=st.sampled_from([False, False, True, None]),
        readOnlyRootFilesystem=BOOL,
        procMount=st.sampled_from([None, None, "Default", "Unmasked", ""]),
        capabilities=mostly(CAPABILITIES),
    )
)
SYSCTL = st.sampled_from(["net.ipv4.tcp_syncookies", "net.ipv4.tcp_rmem", "kernel.msgmax", "net/ipv4/tcp_rmem", ""])
POD_CONTEXT = mostly(
    each(**SHARED, sysctls=rarely(st.lists(st.fixed_dictionaries({"name": SYSCTL, "value": st.just("1")}), max_size=2)))
)
ACTION = some(host=st.sampled_from(["", None, "127.0.0.1"]), port=st.just(80))
HANDLER = rarely(some(httpGet=st.none() | ACTION, tcpSocket=st.none() | ACTION))
PORT = some(containerPort=st.sampled_from([80, 443]), hostPort=st.sampled_from([None, None, 0, 8080]))


@st.composite
def container(draw: st.DrawFn, name: str, kind: str) -> Json:
    """A container of a kind of list; only what stands in initContainers may be a sidecar."""
    fields = {
        "securityContext": CONTAINER_CONTEXT,
        "ports": rarely(st.lists(PORT, max_size=2)),
        "livenessProbe": HANDLER,
        "readinessProbe": HANDLER,
        "startupProbe": HANDLER,
        "lifecycle": rarely(some(postStart=HANDLER, preStop=HANDLER)),
    }
    if kind == "initContainers":
        fields["restartPolicy"] = st.sampled_from([None, "Always"])
    made: Json = draw(each(**fields))
    return {"name": name, "image": "registry.example/shop/web:1", **made}


KINDS_OF_VOLUME = st.sampled_from(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "hostPath",
        "hostPath",
        "hostPath",
        "nfs",
        "gitRepo",
        "fc",
        "storageos",
        "none",
    ]
)


@st.composite
def volume(draw: st.DrawFn, name: str) -> Json:
    """A volume of a kind, seldom with a second one, or with a null where its kind should be."""
    made: Json = {"name": name}
    for kind in draw(st.lists(KINDS_OF_VOLUME, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2])))):
        if kind != "none":
            content: Json = {"path": draw(st.sampled_from(["/", "/etc/ssl/certs"]))} if kind == "hostPath" else {}
            made[kind] = draw(st.sampled_from([content, content, content, None]))
    return made


@st.composite
def pods(draw: st.DrawFn) -> Json:
    """A pod with one to three containers, in up to three kinds of lists."""
    spec: Json = draw(
        each(
            securityContext=POD_CONTEXT,
            hostNetwork=rarely(BOOL),
            hostPID=rarely(BOOL),
            hostIPC=rarely(BOOL),
            hostUsers=rarely(BOOL),
            os=rarely(st.fixed_dictionaries({"name": st.sampled_from(["windows", "linux"])})),
        )
    )
    spec["containers"] = [draw(container("main", "containers"))]
    for name, kind in (("setup", "initContainers"), ("debug", "ephemeralContainers")):
        if draw(st.booleans()):
            spec[kind] = [draw(container(name, kind))]
    spec["volumes"] = [draw(volume(f"v{index}")) for index in range(draw(st.sampled_from([0, 1, 2])))]
    metadata: Json = {"name": "generated"}
    if draw(st.booleans()):
        key = "container.apparmor.security.beta.kubernetes.io/" + draw(st.sampled_from(["main", "gone"]))
        metadata["annotations"] = {
            key: draw(st.sampled_from(["", None, "runtime/default", "localhost/x", "localhost", "unconfined"]))
        }
    return {"metadata": metadata, "spec": spec}
