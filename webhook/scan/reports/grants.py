"""Who can undo what podseal does.

In: `Grants`. Out: lines, or the value of the JSON report.
"""

from collections.abc import Iterator
from typing import Any

from webhook.check.terminal import Style
from webhook.scan import grants
from webhook.scan.reports import columns

HEAD = ("SUBJECT", "LIMITED TO", "BINDING", "ROLE", "REMARK")
VOID = ("SUBJECT", "POWER", "ROLEBINDING", "ROLE")
NOTES = (
    "Every one of these rights is cluster-scoped: only ClusterRoleBindings give it, so RoleBindings do not count.",
    "Who can create pods or tokens in the namespace of a listed service account holds its rights as well,",
    "and who can merge to the repositories of a GitOps controller holds the controller's.",
)


def table(found: grants.Grants, style: Style, *, quiet: bool = False) -> list[str]:
    """A table for each power, then the bindings without effect."""
    lines: list[str] = []
    for power in grants.POWERS:
        rows = [_cells(each) for each in found.grants if each.power == power.id]
        lines += [style.paint(f"Who can {power.title} ({power.id})", "bold")]
        lines += [*columns.aligned(HEAD, rows, style), ""] if rows else ["nobody by RBAC", ""]
    if found.void:
        rows = [(_subject(each), each.power, each.binding, each.role) for each in found.void]
        lines += [style.paint("RoleBindings that give nothing: bind by a ClusterRoleBinding instead", "bold")]
        lines += [*columns.aligned(VOID, rows, style), ""]
    return lines if quiet else [*lines, *NOTES]


def _subject(found: grants.Grant | grants.Void) -> str:
    return f"{found.subject_kind} {found.subject}"


def _cells(found: grants.Grant) -> tuple[str, ...]:
    return (
        _subject(found),
        ", ".join(found.names) or "-",
        found.binding,
        found.role,
        ", ".join(_marks(found)),
    )


def _marks(found: grants.Grant) -> Iterator[str]:
    if found.everybody:
        yield "EVERYBODY"
    if found.wildcard:
        yield "by wildcard"
    if found.gitops:
        yield f"GitOps: {found.gitops}"
    if found.builtin:
        yield "Kubernetes' own"


def value(found: grants.Grants) -> dict[str, Any]:
    """The JSON report."""
    powers = [{"id": each.id, "title": each.title} for each in grants.POWERS]
    return {"powers": powers, "grants": found.grants, "without_effect": found.void}
