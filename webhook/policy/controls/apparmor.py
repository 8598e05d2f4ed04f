"""The runtime's AppArmor profile is not taken off.

Fields: spec.securityContext.appArmorProfile, spec.{containers,initContainers,ephemeralContainers}[*].securityContext
    .appArmorProfile, metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]
Allowed: type RuntimeDefault or Localhost, or unset; in the annotations runtime/default, localhost/*, or empty.

The default profile forbids mounting and writing to most of /proc and /sys, even to root; unset leaves it in force.
The annotations are what the fields were before 1.30 (KEP-24). The API server still copies them into the fields, so they
are judged; one that names no container of the pod is judged too, as Pod Security admission does.
The container's profile wins; the pod's Unconfined is refused even where every container overrides it.
"""

from collections.abc import Iterator, Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

CONFINED = frozenset({"RuntimeDefault", "Localhost"})
ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each profile or annotation that takes the runtime's profile off."""
    found = [
        container.violation("securityContext.appArmorProfile.type", shown(profile.type))
        for container in pod.containers
        if (profile := container.security_context.app_armor_profile) and profile.type not in CONFINED
    ]
    inherited = pod.security_context.app_armor_profile
    if inherited and inherited.type not in CONFINED:
        heirs = [container for container in pod.containers if not container.security_context.app_armor_profile]
        found += pod.inherited("spec.securityContext.appArmorProfile.type", shown(inherited.type), heirs)
    if pod.metadata.annotations:
        found += _annotations(pod, pod.metadata.annotations)
    return found


def _annotations(pod: containers.PodView, annotations: dict[str, str | None]) -> Iterator[model.Violation]:
    wrong = {
        key.removeprefix(ANNOTATION): value
        for key, value in annotations.items()
        if key.startswith(ANNOTATION) and value and value != "runtime/default" and not value.startswith("localhost/")
    }
    if not wrong:
        return
    named: dict[str, list[containers.ContainerView]] = {name: [] for name in wrong}
    for container in pod.containers:
        if container.name in wrong:
            named[container.name].append(container)
    for name, value in wrong.items():
        path = f"metadata.annotations[{ANNOTATION}{name}]"
        yield from pod.inherited(path, shown(value), named[name], fix="remove the annotation")


CONTROL = Control(
    id="apparmor",
    title="AppArmor profiles",
    why="The runtime's profile forbids mounts and writes to /proc and /sys even to root; unconfined, both are open.",
    fields=(
        "spec.securityContext.appArmorProfile.type",
        "spec.{containers,initContainers,ephemeralContainers}[*].securityContext.appArmorProfile.type",
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]",
    ),
    allowed="RuntimeDefault, Localhost or unset; in the annotations runtime/default or localhost/*",
    fix_hint="remove appArmorProfile, or set its type to RuntimeDefault",
    rules=(Rule("baseline", 1, check),),
    pod_security=("appArmorProfile",),
)
