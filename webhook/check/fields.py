"""Fields of a securityContext that the API does not have, and drops without a word.

In: the pod as a tree. Out: their paths with what to do. Called by `objects`. Somebody wrote them to be safe: a
`readOnlyRootFilesystem` on the pod protects nothing, and tools that accept it there report a false pass (Polaris does).
The names are those of k8s.io/api/core/v1, PodSecurityContext and SecurityContext, of Kubernetes 1.37.
"""

from collections.abc import Iterator

from webhook.check import model

OF_POD = frozenset(
    {
        "appArmorProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxChangePolicy",
        "seLinuxOptions",
        "seccompProfile",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "sysctls",
        "windowsOptions",
    }
)
OF_CONTAINER = frozenset(
    {
        "allowPrivilegeEscalation",
        "appArmorProfile",
        "capabilities",
        "privileged",
        "procMount",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxOptions",
        "seccompProfile",
        "windowsOptions",
    }
)
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def unknown(pod: model.Tree) -> Iterator[tuple[str, str]]:
    """Path (from the pod) and reason of each securityContext field that does not exist where it stands."""
    spec = pod.get("spec") if isinstance(pod, dict) else None
    if not isinstance(spec, dict):
        return
    yield from _in_context(spec, "spec", OF_POD, OF_CONTAINER, "each container's")
    for kind in CONTAINER_LISTS:
        listed = spec.get(kind)
        for index, container in enumerate(listed if isinstance(listed, list) else ()):
            path = f"spec.{kind}[{index}]"
            yield from _in_context(container, path, OF_CONTAINER, OF_POD, "the pod's")


def _in_context(
    holder: model.Tree, path: str, known: frozenset[str], elsewhere: frozenset[str], where: str
) -> Iterator[tuple[str, str]]:
    context = holder.get("securityContext") if isinstance(holder, dict) else None
    if not isinstance(context, dict) or known.issuperset(context):
        return
    for name in context:
        if name in known:
            continue
        advice = f"set it in {where} securityContext" if name in elsewhere else f"remove it{_nearest(name, known)}"
        yield (
            f"{path}.securityContext.{name}",
            f"there is no such field here, so the API server drops it and it protects nothing; {advice}",
        )


def _nearest(name: str, known: frozenset[str]) -> str:
    import difflib  # noqa: PLC0415 -- not needed by an input that is right, and start-up counts

    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f", or write {found[0]}" if found else ""
