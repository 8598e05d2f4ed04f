"""Pods as hypothesis makes them up: ordinary ones, and what a hostile author may send past the API server's decoder.

Out: strategies of JSON trees that decode into the pod model. Used by the property tests of the policy core.
Names repeat on purpose: volumes with the names that the mutation gives, mounts at the paths that it takes, containers
of the kind that it adds.
"""

from typing import Any

from hypothesis import strategies as st

from webhook.policy import containers, model, mutation, pod, volumes, writable_paths

Tree = dict[str, Any]

IMAGES = (
    *("nginx:1.27", "registry.corp:5000/mirror/nginx@sha256:" + "0" * 64, "quiet", "team/seeded:2", "volumed", "code"),
    *(
        "conditional",
        "tmpfs",
        "sticky",
        "compiler",
        "aliased",
        "nested",
        "otherbuilder/nginx",
        "shop/web",
        "",
        "/",
        "@:",
    ),
)
NAMES = ("web", "app", "proxy", "db")
PATHS = (
    *("/var/run", "/run", "/run/x", "/var/run/secrets/kubernetes.io/serviceaccount", "/var/cache/nginx", "/var", "/"),
    *("/cache", "/cache/", "//cache", "/cache/./x", "/data", "/data/tmp", "data", "/srv/app", "/srv", "/srv/output"),
    *("/var/lock", "/run/lock", "/opt/output", "/etc/nginx/conf.d", "/var/www", "/a/../data", "", "/scratch"),
)
OWN_NAMES = volumes.Names(containers.PodView(pod.Pod(), model.Options()))
OUR_VOLUMES = tuple(
    OWN_NAMES.volume(name, path, pod.EmptyDir("", "256Mi"))[0] for name in ("web", "app") for path in ("/run", "/data")
)
OUR_SEEDS = tuple(OWN_NAMES.seed_container(name, "/srv/app") for name in ("web", "app"))
REQUESTED = ("/srv/app", "/etc/nginx/conf.d", "/var/www", "/run", "/data", "/cache/x", "/cache", "/var/lock", "/srv")
VOLUME_NAMES = ("own", "keys", *OUR_VOLUMES, f"{OUR_VOLUMES[0]}-2")

booleans = st.sampled_from((True, False, None))
sources: st.SearchStrategy[Tree] = st.sampled_from(
    (
        {"emptyDir": {}},
        {"emptyDir": {"sizeLimit": "256Mi"}},
        {"emptyDir": {"sizeLimit": "256Mi", "medium": "Memory"}},
        {"emptyDir": {"sizeLimit": 5}},
        {"emptyDir": None},
        {"configMap": {"name": "x"}},
        {"secret": None, "hostPath": {"path": "/srv"}},
        {"persistentVolumeClaim": {"claimName": "x", "readOnly": True}},
        {"persistentVolumeClaim": {"claimName": "x"}},
        {"projected": {"sources": []}},
        {},
    )
)


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """An object of which any key may be absent, and any value null."""
    return st.fixed_dictionaries({}, optional={key: st.none() | each for key, each in strategies.items()})


@st.composite
def named(draw: st.DrawFn, key: str, names: tuple[str, ...], rest: st.SearchStrategy[Tree]) -> list[Tree]:
    """Up to four objects, no two of which have the same value of one key, as validation demands."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    return [{key: name, **draw(rest)} for name in chosen]


mounts = named(
    "mountPath",
    PATHS,
    st.builds(
        lambda name, optional: {"name": name, **optional},
        st.sampled_from(VOLUME_NAMES),
        fields(readOnly=st.booleans(), subPath=st.just("x")),
    ),
)
security_contexts = st.none() | fields(
    readOnlyRootFilesystem=st.sampled_from((True, False, None, None, None)),
    privileged=st.booleans(),
    runAsUser=st.integers(0, 2),
    allowPrivilegeEscalation=st.booleans(),
    capabilities=fields(drop=st.just(["ALL"]), add=st.just(["SYS_ADMIN"])),
    seccompProfile=fields(type=st.just("RuntimeDefault")),
    seLinuxOptions=fields(level=st.just("s0:c1")),
)
container_parts = st.builds(
    lambda image, optional: {"image": image, **optional},
    st.sampled_from(IMAGES),
    fields(
        imagePullPolicy=st.just("Always"),
        securityContext=security_contexts,
        volumeMounts=mounts,
        volumeDevices=st.just([{"name": "disk", "devicePath": "/data"}]),
        resources=st.sampled_from(({}, {"limits": {"cpu": 1}})),
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> str:
    """Values of the annotation podseal.dev/writable-paths: mostly right, sometimes anything."""
    if draw(st.integers(0, 7)) == 7:
        return draw(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=/,;*."), max_size=20))
    paths = st.lists(st.sampled_from(REQUESTED), min_size=1, max_size=3)
    entries = st.tuples(st.sampled_from(("web", "app", "*")), paths)
    return ";".join(f"{name}={','.join(each)}" for name, each in draw(st.lists(entries, min_size=1, max_size=3)))


annotations = st.fixed_dictionaries(
    {},
    optional={
        writable_paths.ANNOTATION: st.none() | requests(),
        mutation.MUTATED: st.none() | st.just("forged") | st.just(""),
        "other/an~notation": st.just("kept"),
    },
)


@st.composite
def _any_pods(draw: st.DrawFn) -> Tree:
    """A pod on CREATE. Container names are unique over all kinds and volume names in the pod, as validation demands."""
    spec = draw(
        fields(
            volumes=named("name", VOLUME_NAMES, sources),
            securityContext=fields(runAsUser=st.integers(0, 2)),
            os=st.sampled_from((*({"name": "linux"},) * 5, {"name": "windows"})),
        )
    )
    every = draw(named("name", (*NAMES, "x" * 63, "\u00e9 ", *OUR_SEEDS), container_parts))
    kinds = st.sampled_from(("containers", "containers", "initContainers", "ephemeralContainers"))
    for each in every:
        spec.setdefault(draw(kinds), []).append(each)
    for kind, _ in containers.KINDS:
        if kind not in spec and draw(st.booleans()):
            spec[kind] = draw(st.sampled_from(([], None)))
    for each in spec.get("initContainers") or ():
        each.update(draw(fields(restartPolicy=st.just("Always"))))
    metadata = draw(st.none() | fields(annotations=annotations, generateName=st.just("web-"), name=st.just("web")))
    return {"spec": spec} if metadata is None and draw(st.booleans()) else {"metadata": metadata, "spec": spec}


def _seeded(tree: Tree) -> Tree:
    """The pod with containers whose image ships files where it writes, all of them asked for."""
    for kind in ("containers", "initContainers"):
        for number, each in enumerate(tree["spec"].get(kind) or ()):
            each["image"] = ("team/seeded:2", "nginx", "code")[number % 3]
    metadata = {**(tree.get("metadata") or {})}
    asked = {writable_paths.ANNOTATION: "*=/srv/app,/etc/nginx/conf.d;web=/var/www"}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **asked}
    return {**tree, "metadata": metadata}


def seeded_pods() -> st.SearchStrategy[Tree]:
    """Pods that need the copying init containers."""
    return _any_pods().map(_seeded)


def pods() -> st.SearchStrategy[Tree]:
    """Pods of every kind, one in a few with copying init containers."""
    return st.one_of(_any_pods(), _any_pods(), seeded_pods())
