"""What an installation would do, what the cluster needs, and the value to set in the chart.

In: a `Preflight` and the scan that it was made from. Out: lines, or the value of the JSON report.
"""

from typing import Any

from msgspec import structs

from webhook.check.reports import text
from webhook.check.terminal import Style
from webhook.scan import model, preflight
from webhook.scan.reports import columns

IMPACT = ("NAMESPACE", "PODS", "DENIED", "CHANGED", "REMARK")
INFRASTRUCTURE = ("NAMESPACE", "OWNER", "PODS", "DENIED", "WHAT IT IS", "WHY", "REMARK")


def table(found: preflight.Preflight, scan: model.Scan, style: Style, *, quiet: bool = False) -> list[str]:
    """Impact, remedies, infrastructure, exclusions."""
    impacts = [(i.namespace, str(i.pods), str(i.denied), str(i.mutated), _remark(i)) for i in found.impacts]
    lines = [
        style.paint("If podseal were installed now and every pod created anew:", "bold"),
        *columns.aligned(IMPACT, impacts, style),
        "",
    ]
    if found.infrastructure:
        rows = [
            (i.namespace, i.owner, str(i.pods), str(i.denied), i.role.name, i.role.reason, _advice(i))
            for i in found.infrastructure
        ]
        lines += [style.paint("Infrastructure", "bold"), *columns.aligned(INFRASTRUCTURE, rows, style), ""]
    if not quiet:
        judged = [row for row in scan.rows if row.namespace not in preflight.ALWAYS_EXEMPT]
        lines += text.remedies((row for row in judged if row.mode == "deny"), style)
    return [*lines, *_exclusions(found, style)]


def _remark(impact: preflight.Impact) -> str:
    return "left out by the chart" if impact.exempt else ""


def _advice(found: preflight.Infrastructure) -> str:
    if found.namespace in preflight.ALWAYS_EXEMPT:
        return "left out by the chart"
    if not found.role.needed:
        return "waive by labels" if found.denied else ""
    return "exclude" if found.alone else "exclude; move the namespace's other pods, which lose podseal with it"


def _exclusions(found: preflight.Preflight, style: Style) -> list[str]:
    if not found.exempt_namespaces:
        return ["No namespace needs an exclusion beside those that the chart always has."]
    return [
        style.paint("Set in the chart's values:", "bold"),
        "exemptNamespaces:",
        *(f"  - {name}" for name in found.exempt_namespaces),
    ]


def value(found: preflight.Preflight, scan: model.Scan) -> dict[str, Any]:
    """The JSON report."""
    return {
        "namespaces": found.impacts,
        "infrastructure": found.infrastructure,
        "values": {"exemptNamespaces": found.exempt_namespaces},
        "findings": scan.rows,
        "summary": structs.asdict(scan.counts),
    }
