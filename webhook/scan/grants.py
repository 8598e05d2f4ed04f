"""RBAC objects -> who can undo what podseal does.

In: `rbac.Objects`. Out: `Grants`: which subject holds which power, by which binding and role. Called by
`webhook.commands.scan`. Pure.
Every resource asked about is cluster-scoped, so that only ClusterRoleBindings give rights to it: the API server asks
RBAC without a namespace then, and RoleBindings are not looked at (k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac).
A RoleBinding that tries is told, since whoever made it expects something of it.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from webhook.policy import labels
from webhook.scan import gitops, rbac

EDIT = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NAMELESS = frozenset({"create", "deletecollection"})
"""Verbs whose request names no object: a rule with resourceNames never fits them."""

CRDS = frozenset({f"execsessions.{labels.GROUP}", f"exemptions.{labels.GROUP}"})
EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})
ADMISSION = "admissionregistration.k8s.io"


class Power(Struct, frozen=True):
    """Something that a right allows. No verbs mean any verb; `ours` counts only what concerns podseal's own objects."""

    id: str
    title: str
    group: str
    resources: tuple[str, ...]
    verbs: frozenset[str] = frozenset()
    ours: bool = False


POWERS = (
    Power("grant", "grant exemptions", labels.GROUP, ("exemptions",), frozenset({"grant"})),
    Power("break-glass", "break the glass", labels.GROUP, ("execsessions",), frozenset({"break-glass"})),
    Power("records", "forge or remove records of sessions", labels.GROUP, ("execsessions",), EDIT),
    Power("kubelet", "run commands through the kubelet", "", ("nodes/proxy",)),
    Power(
        "webhooks",
        "change webhook configurations",
        ADMISSION,
        ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        EDIT,
        ours=True,
    ),
    Power(
        "admission-policies",
        "change admission policies and their bindings",
        ADMISSION,
        (
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ),
        EDIT,
        ours=True,
    ),
    Power(
        "definitions",
        "change podseal's resource definitions",
        "apiextensions.k8s.io",
        ("customresourcedefinitions",),
        EDIT,
        ours=True,
    ),
    Power(
        "escalate",
        "give itself or others any of these",
        "rbac.authorization.k8s.io",
        ("clusterroles",),
        frozenset({"bind", "escalate"}),
    ),
    Power(
        "impersonate", "act as somebody else", "", ("groups", "serviceaccounts", "users"), frozenset({"impersonate"})
    ),
)


class Grant(Struct, frozen=True, order=True):
    """One subject, one power, one binding. `names` are the resourceNames that limit it; none means all.

    `wildcard` says that a `*` gives it, not its own name; `gitops` names the tool whose controller this is: who may
    merge to its repositories holds the power too. `builtin` bindings come with every API server.
    """

    power: str
    subject_kind: str
    subject: str
    verbs: tuple[str, ...]
    names: tuple[str, ...]
    binding: str
    role: str
    wildcard: bool = False
    everybody: bool = False
    gitops: str = ""
    builtin: bool = False


class Void(Struct, frozen=True, order=True):
    """A RoleBinding that names one of podseal's rights, and gives nothing."""

    power: str
    subject_kind: str
    subject: str
    binding: str
    role: str


class Grants(Struct, frozen=True):
    """Who holds what, sorted by power and subject; and bindings without effect."""

    grants: tuple[Grant, ...]
    void: tuple[Void, ...]


def grants(objects: rbac.Objects) -> Grants:
    """Who can undo what podseal does."""
    roles = {(role.metadata.namespace, role.metadata.name): role for role in objects.roles}
    held: set[Grant] = set()
    void: set[Void] = set()
    for binding in objects.bindings:
        at = binding.metadata.namespace
        role = roles.get((at if binding.role_ref.kind == "Role" else "", binding.role_ref.name))
        for power in POWERS if role else ():
            held_rules = list(_held(power, (role.rules if role else None) or ()))
            if at:
                void |= set(_void(power, held_rules, binding))
            else:
                held |= {
                    _grant(power, held_rules, binding, subject) for subject in binding.subjects or () if held_rules
                }
    return Grants(tuple(sorted(held)), tuple(sorted(void)))


class _Held(Struct, frozen=True):
    """What one rule gives of a power."""

    verbs: tuple[str, ...]
    names: tuple[str, ...]
    wildcard: bool


def _held(power: Power, rules: Iterable[rbac.Rule]) -> Iterator[_Held]:
    for rule in rules:
        resources, groups, names = rule.resources or (), rule.api_groups or (), rule.resource_names or ()
        fitting = [each for each in resources if any(_covers(each, wanted) for wanted in power.resources)]
        if not fitting or not {power.group, "*"} & set(groups):
            continue
        verbs = {each for each in rule.verbs if not power.verbs or each == "*" or each in power.verbs}
        if names:
            verbs -= NAMELESS
        if not verbs or (power.ours and names and not any(map(_is_ours, names))):
            continue
        named = power.group in groups and any(each in power.resources for each in fitting)
        yield _Held(tuple(sorted(verbs)), names, wildcard=not named or (bool(power.verbs) and verbs == {"*"}))


def _covers(ruled: str, wanted: str) -> bool:
    """Whether a rule's resource means a resource; `*/proxy` means every subresource proxy, and `nodes/*` nothing.

    As k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go has it.
    """
    _, slash, subresource = wanted.partition("/")
    return ruled in ("*", wanted) or bool(slash and ruled == f"*/{subresource}")


def _is_ours(name: str) -> bool:
    """Whether an object of this name belongs to podseal: the chart begins its names so."""
    return name.startswith("podseal") or name in CRDS


def _grant(power: Power, held: list[_Held], binding: rbac.Binding, subject: rbac.Subject) -> Grant:
    unlimited = any(not each.names for each in held)
    name = _name(subject)
    return Grant(
        power=power.id,
        subject_kind=subject.kind,
        subject=name,
        verbs=tuple(sorted({verb for each in held for verb in each.verbs})),
        names=() if unlimited else tuple(sorted({name for each in held for name in each.names})),
        binding=binding.metadata.name,
        role=binding.role_ref.name,
        wildcard=all(each.wildcard for each in held),
        everybody=subject.name in EVERYBODY,
        gitops=gitops.tool(subject),
        builtin=rbac.BOOTSTRAPPING in (binding.metadata.labels or {}),
    )


def _void(power: Power, held: list[_Held], binding: rbac.Binding) -> Iterator[Void]:
    """Only where podseal's own right was named: the wildcard of a namespace's admin meant something else."""
    if power.group != labels.GROUP or all(each.wildcard for each in held):
        return
    for subject in binding.subjects or ():
        where = f"{binding.metadata.namespace}/{binding.metadata.name}"
        yield Void(power.id, subject.kind, _name(subject), where, binding.role_ref.name)


def _name(subject: rbac.Subject) -> str:
    return f"{subject.namespace}/{subject.name}" if subject.kind == "ServiceAccount" else subject.name
