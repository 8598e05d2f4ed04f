"""decide(subject, policy, catalogue, now) -> Verdict: the one entry for the webhook, `check` and `scan`.

In: what is judged, the policy of its namespace, the catalogue of writable paths, the time. Out: findings with their
modes, what waivers let pass, and the edits that would repair the pod. Nothing here knows HTTP, files or a clock.
"""

import functools
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from webhook.policy import containers, controls, model, mutation, waivers, workloads
from webhook.policy.catalogue import Catalogue

Found = tuple[controls.Control, model.Violation, tuple[model.Mode, ...]]
UNKNOWN = object()

UNJUDGED_SUBRESOURCES = frozenset(
    {"binding", "eviction", "log", "status", "resize", "proxy", "exec", "attach", "portforward"}
)
"""Subresources of pods that carry no change of what runs. An unknown one is judged
(k8s.io/pod-security-admission/admission ignores a like list); exec and its kin are the exec gate's."""


def decide(subject: model.Subject, policy: model.Policy, catalogue: Catalogue, now: datetime) -> model.Verdict:
    """Judge one subject.

    Args:
        subject: what is judged; its pod is None where the object holds none (a template that is null).
        policy: what holds in its namespace.
        catalogue: image -> paths that it writes.
        now: aware time, against which waivers expire.

    Returns:
        The verdict. Its findings are in the order of controls, then containers.
    """
    view, skipped = _judged(subject, policy)
    if view is None:
        return model.Verdict(subject, problems=policy.problems, skipped=skipped)
    mutated = model.Mutation()
    if subject.operation == "CREATE" or subject.kind != "Pod" or subject.subresource == "ephemeralcontainers":
        # A template is not patched, but its pods will be: what they lose then, its author need not hear of.
        mutated = mutation.mutate(view, subject, policy, catalogue)
    findings, waived = _findings(view, subject, policy, now, _read_only_after(mutated))
    return model.Verdict(
        subject,
        findings=tuple(findings),
        waived=tuple(waived),
        mutation=mutated,
        problems=policy.problems,
    )


def _judged(subject: model.Subject, policy: model.Policy) -> tuple[containers.PodView | None, str]:
    """The containers to judge, or why none is."""
    if subject.operation not in ("CREATE", "UPDATE"):
        return None, f"operation {subject.operation}"
    if subject.pod is None:
        return None, "no pod template"
    if subject.subresource in UNJUDGED_SUBRESOURCES:
        return None, f"subresource {subject.subresource}"
    view = containers.PodView(subject.pod, policy.options)
    if subject.operation == "CREATE" or subject.old_pod is None:
        return view, ""
    old = containers.PodView(subject.old_pod, policy.options)
    known = {(container.kind, container.name): container.container.image for container in old.containers}
    changed = [
        container
        for container in view.containers
        if known.get((container.kind, container.name), UNKNOWN) != container.container.image
    ]
    if subject.subresource == "ephemeralcontainers":
        new = [container for container in changed if container.kind == "ephemeralContainers"]
        return (view.only(new), "") if new else (None, "no new ephemeral container")
    if not changed and subject.kind == "Pod":
        # The rest of a pod's spec is immutable; refusing such an UPDATE would hold up finalizers and status
        # (open-policy-agent/gatekeeper#4121).
        return None, "no image changed"
    # An ephemeral container cannot be removed: an old one must not block later updates of its pod.
    return view.only([each for each in view.containers if each.kind != "ephemeralContainers"]), ""


def _read_only_after(mutated: model.Mutation) -> frozenset[str]:
    """The paths that the mutation sets to true."""
    return frozenset(
        f"spec.{edit.container_kind}[{edit.index}].securityContext.readOnlyRootFilesystem"
        for edit in mutated.edits
        if isinstance(edit, model.SetReadOnlyRoot)
    )


class Step(Struct, frozen=True):
    """One check to run, and the modes that its violations have."""

    control: controls.Control
    check: controls.Check
    modes: tuple[model.Mode, ...]


@functools.lru_cache(maxsize=256)
def _plan(enforce: model.Level, warn: model.Level, audit: model.Level) -> tuple[Step, ...]:
    """Which checks to run: each distinct check of a control once, however many modes ask for it."""
    tables = [controls.rules(level) for level in (enforce, warn, audit)]
    steps = []
    for control in controls.CONTROLS.values():
        modes: dict[controls.Check, tuple[model.Mode, ...]] = {}
        for mode, table in zip(model.MODES, tables, strict=True):
            if rule := table.get(control.id):
                modes[rule.check] = (*modes.get(rule.check, ()), mode)
        steps += [Step(control, check, each) for check, each in modes.items()]
    return tuple(steps)


def _violations(view: containers.PodView, policy: model.Policy, *, new_only: bool) -> Iterable[Found]:
    """Every violation once, with all the modes in which it was found."""
    found: dict[tuple[str, str, str], Found] = {}
    for step in _plan(policy.enforce, policy.warn, policy.audit):
        for violation in step.check(view):
            if new_only and not violation.container:
                continue
            key = (step.control.id, violation.path, violation.container)
            known = found.get(key)
            modes = (*known[2], *step.modes) if known else step.modes
            found[key] = (step.control, known[1] if known else violation, modes)
    return found.values()


def _findings(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, now: datetime, fixed: frozenset[str]
) -> tuple[list[model.Finding], list[model.Waived]]:
    """The violations, placed in their object, and those that a waiver lets pass."""
    findings: list[model.Finding] = []
    waived: list[model.Waived] = []
    name = ""
    for control, violation, modes in _violations(view, policy, new_only=subject.subresource == "ephemeralcontainers"):
        name = name or subject.name or _generated_name(view)
        finding = model.Finding(
            control=control.id,
            modes=modes,
            kind=subject.kind,
            namespace=subject.namespace,
            name=name,
            container=violation.container,
            path=workloads.prefix(subject.kind) + violation.path,
            seen=violation.seen,
            allowed=violation.allowed or control.allowed,
            fix=violation.fix or control.fix_hint,
            fixed=violation.path in fixed,
        )
        waiver = waivers.covering(policy.waivers, control.id, violation, view, now)
        if waiver:
            waived.append(model.Waived(finding, waiver))
        else:
            findings.append(finding)
    return findings, waived


def _generated_name(view: containers.PodView) -> str:
    """What to call a pod whose name the API server makes up only after admission."""
    prefix = view.metadata.generate_name or ""
    return view.metadata.name or (f"{prefix}*" if prefix else "")
