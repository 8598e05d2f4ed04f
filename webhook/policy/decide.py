"""decide(subject, policy, catalogue, now) -> Verdict: the one entry for the webhook, `check` and `scan`.

In: what is judged, the policy of its namespace, the catalogue of writable paths, the time. Out: findings with their
modes, what waivers let pass, and the edits that would repair the pod. Nothing here knows HTTP, files or a clock.
`repair` and `judge` are its halves: a pod comes to /mutate and to /validate, and each answers with one of them.
"""

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from webhook.policy import containers, controls, model, mutation, pod, waivers, workloads
from webhook.policy.catalogue import Catalogue

Modes = tuple[model.Mode, ...]
Hit = tuple[Sequence[model.Violation], Modes]
Found = tuple[controls.Control, model.Violation, Modes]

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
    # A template is not patched, but its pods will be: what they lose then, its author need not hear of.
    mutated = _mutation(view, subject, policy, catalogue)
    return _verdict(view, subject, policy, now, mutated)


def repair(subject: model.Subject, policy: model.Policy, catalogue: Catalogue) -> model.Verdict:
    """The mutation of `decide` without its findings: a webhook that repairs refuses nothing."""
    view, skipped = _judged(subject, policy)
    if view is None:
        return model.Verdict(subject, skipped=skipped)
    return model.Verdict(subject, mutation=_mutation(view, subject, policy, catalogue))


def judge(subject: model.Subject, policy: model.Policy, now: datetime) -> model.Verdict:
    """The findings of `decide` about an object as it stands, none of them `fixed`: whoever repairs has had its turn."""
    view, skipped = _judged(subject, policy)
    if view is None:
        return model.Verdict(subject, problems=policy.problems, skipped=skipped)
    return _verdict(view, subject, policy, now, mutation.NOTHING)


def _mutation(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, catalogue: Catalogue
) -> model.Mutation:
    if subject.operation == "CREATE" or subject.kind != "Pod" or subject.subresource == "ephemeralcontainers":
        return mutation.mutate(view, subject, policy, catalogue)
    return mutation.NOTHING


def _verdict(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, now: datetime, mutated: model.Mutation
) -> model.Verdict:
    findings, waived = _findings(view, subject, policy, now, _read_only_after(mutated))
    problems = policy.problems
    if waived:
        problems = (*problems, *waivers.ending((each.waiver for each in waived), now))
    return model.Verdict(subject, findings=tuple(findings), waived=tuple(waived), mutation=mutated, problems=problems)


def _judged(subject: model.Subject, policy: model.Policy) -> tuple[containers.PodView | None, str]:
    """The containers to judge, or why none is."""
    if subject.operation not in ("CREATE", "UPDATE"):
        return None, f"operation {subject.operation}"
    if subject.pod is None:
        return None, "no pod template"
    if subject.subresource in UNJUDGED_SUBRESOURCES or (subject.subresource and subject.kind != "Pod"):
        return None, f"subresource {subject.subresource}"
    view = containers.PodView(subject.pod, policy.options)
    if subject.operation == "CREATE" or subject.kind != "Pod" or subject.old_pod is None:
        return view, ""
    changed = _changed(view, containers.PodView(subject.old_pod, policy.options))
    new_ephemeral = [container for container in changed if container.kind == "ephemeralContainers"]
    if subject.subresource == "ephemeralcontainers":
        return (view.only(new_ephemeral), "") if new_ephemeral else (None, "no new ephemeral container")
    if not changed:
        # The rest of a pod's spec is immutable; refusing such an UPDATE would hold up finalizers and status
        # (open-policy-agent/gatekeeper#4121).
        return None, "no image changed"
    # An ephemeral container cannot be removed: an old one must not block later updates of its pod.
    lasting = [container for container in view.containers if container.kind != "ephemeralContainers"]
    return view.only([*lasting, *new_ephemeral]), ""


def _changed(view: containers.PodView, old: containers.PodView) -> list[containers.ContainerView]:
    """The containers that are new or have another image; an ephemeral one that differs in anything counts as new.

    The API server lets nothing else of a running pod be changed that a control reads. It keeps ephemeral containers
    as they are altogether; a copy of an old one's name with other contents is refused there, but only afterwards.
    """
    known = {(each.kind, each.name): each.container for each in old.containers}
    return [each for each in view.containers if _differs(known.get((each.kind, each.name)), each)]


def _differs(before: pod.Container | None, now: containers.ContainerView) -> bool:
    if before is None or before.image != now.container.image:
        return True
    return now.kind == "ephemeralContainers" and before != now.container


def _read_only_after(mutated: model.Mutation) -> frozenset[str]:
    """The paths that the mutation sets to true."""
    return frozenset(
        f"spec.{edit.container_kind}[{edit.index}].securityContext.readOnlyRootFilesystem"
        for edit in mutated.edits
        if isinstance(edit, model.SetReadOnlyRoot)
    )


class Step(Struct, frozen=True):
    """A control, and the checks of it to run with the modes that their violations have."""

    control: controls.Control
    checks: tuple[tuple[controls.Check, Modes], ...]


@functools.lru_cache(maxsize=256)
def _plan(enforce: model.Level, warn: model.Level, audit: model.Level) -> tuple[Step, ...]:
    """Which checks to run: each distinct check of a control once, however many modes ask for it."""
    tables = [controls.rules(level) for level in (enforce, warn, audit)]
    steps = []
    for control in controls.CONTROLS.values():
        modes: dict[controls.Check, Modes] = {}
        for mode, table in zip(model.MODES, tables, strict=True):
            if rule := table.get(control.id):
                modes[rule.check] = (*modes.get(rule.check, ()), mode)
        if modes:
            steps.append(Step(control, tuple(modes.items())))
    return tuple(steps)


def _violations(view: containers.PodView, policy: model.Policy) -> list[Found]:
    """Every violation of a control once, with all the modes in which it was found, the strongest first."""
    found: list[Found] = []
    for step in _plan(policy.enforce, policy.warn, policy.audit):
        hits: tuple[Hit, ...] = ()
        for check, modes in step.checks:
            # A comprehension would cost as much as the checks do.
            if violations := check(view):
                hits = (*hits, (violations, modes))
        if len(hits) > 1:
            found += [(step.control, violation, modes) for violation, modes in _merged(hits)]
        elif hits:
            ((violations, modes),) = hits
            found += [(step.control, violation, modes) for violation in violations]
    return found


def _merged(hits: Iterable[Hit]) -> Iterable[tuple[model.Violation, Modes]]:
    """What several checks of one control found: each place once, with the modes of all that found it."""
    merged: dict[tuple[str, str], tuple[model.Violation, Modes]] = {}
    for violations, modes in hits:
        for violation in violations:
            first, before = merged.get((violation.path, violation.container), (violation, ()))
            together = tuple(mode for mode in model.MODES if mode in before or mode in modes)
            merged[violation.path, violation.container] = (first, together)
    return merged.values()


def _findings(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, now: datetime, fixed: frozenset[str]
) -> tuple[list[model.Finding], list[model.Waived]]:
    """The violations, placed in their object, and those that a waiver lets pass."""
    findings: list[model.Finding] = []
    waived: list[model.Waived] = []
    name = subject.name or _generated_name(view)
    prefix = workloads.prefix(subject.kind)
    of_new_container_only = subject.subresource == "ephemeralcontainers"
    for control, violation, modes in _violations(view, policy):
        if of_new_container_only and _of_whole_pod(violation):
            continue
        finding = model.Finding(
            control=control.id,
            modes=modes,
            kind=subject.kind,
            namespace=subject.namespace,
            name=name,
            container=violation.container,
            path=prefix + violation.path,
            seen=violation.seen,
            allowed=violation.allowed or control.allowed,
            fix=violation.fix or control.fix_hint,
            fixed=bool(fixed) and violation.path in fixed,
        )
        waiver = waivers.covering(policy.waivers, control.id, violation, view, now) if policy.waivers else None
        if waiver:
            waived.append(model.Waived(finding, waiver))
        else:
            findings.append(finding)
    return findings, waived


def _of_whole_pod(violation: model.Violation) -> bool:
    """Whether no container is meant. The path counts as well: nobody has yet refused a container without a name."""
    return not violation.container and not violation.path.startswith("spec.ephemeralContainers[")


def _generated_name(view: containers.PodView) -> str:
    """What to call a pod whose name the API server makes up only after admission."""
    prefix = view.metadata.generate_name or ""
    return view.metadata.name or (f"{prefix}*" if prefix else "")
