"""A verdict in words: the denial, the warnings and the audit annotations of an admission response.

In: verdicts and texts. Out: strings that kubectl, a header and the audit log can carry. Called by `webhook.review`.
Everything that comes from the request is escaped here: it ends on terminals and in HTTP headers.
"""

from collections.abc import Iterable

from webhook.policy import model

LONGEST_WARNING = 120
LONGEST_WARNINGS = 4000
"""The API server cuts each warning to 256 characters once all together pass 4096, and drops what is over
(k8s.io/apiserver/pkg/endpoints/filters/warning.go)."""
LONGEST_DENIAL = 4000
LONGEST_PLACE = 300
LONGEST_ANNOTATION = 1024
MOST_PLACES = 5
MUTATED = "podseal.dev/mutated"

KEYS_OF_PODS: dict[model.Mode, str] = {
    "deny": "validate-denied",
    "warn": "validate-warned",
    "audit": "validate-audited",
}
KEYS_OF_TEMPLATES: dict[model.Mode, str] = {**KEYS_OF_PODS, "deny": "validate-would-deny"}
Named = dict[str, dict[str, None]]
"""Control -> names, each once and in order."""


def denial(verdict: model.Verdict) -> str:
    """Why a pod is refused: each control once, with its places, what is allowed and how to fix it.

    It is one line: kubectl would print line breaks, but events and conditions show them as noise.
    """
    subject = verdict.subject
    places: dict[tuple[str, str, str], list[str]] = {}
    for finding in verdict.denied:
        places.setdefault((finding.control, finding.allowed, finding.fix), []).append(finding.what)
    name = "/".join(part for part in (subject.namespace, verdict.denied[0].name) if part)
    reasons = "; ".join(
        f"[{control}] {_listed(found)} (allowed: {allowed}; fix: {fix})"
        for (control, allowed, fix), found in places.items()
    )
    controls = len({control for control, _, _ in places})
    rules = "1 rule" if controls == 1 else f"{controls} rules"
    return cut(printable(f"{subject.kind} {name} breaks {rules}: {reasons}"), LONGEST_DENIAL)


def about_validation(verdict: model.Verdict) -> list[str]:
    """The warnings of /validate: what else is wrong with a pod that may pass, or with the pods of a template."""
    is_pod = verdict.subject.kind == "Pod"
    if is_pod and verdict.denied:
        # Who is refused has one list to work through (k8s.io/pod-security-admission does the same).
        return warnings(verdict.problems) if verdict.problems else []
    findings = verdict.findings if is_pod else verdict.remaining
    refused = [each for each in findings if "deny" in each.modes]
    advised = [each for each in findings if "warn" in each.modes and "deny" not in each.modes]
    return warnings(
        [
            *_grouped("podseal will refuse its pods", refused),
            *_grouped("podseal advises", advised),
            *(() if is_pod else verdict.mutation.notes),
            *verdict.problems,
        ]
    )


def warnings(texts: Iterable[str]) -> list[str]:
    """Texts as warnings: ASCII without control characters, short, each once, and not too many together."""
    found: list[str] = []
    total = 0
    unique = dict.fromkeys(cut(ascii_only(text), LONGEST_WARNING) for text in texts)
    for number, text in enumerate(unique):
        total += len(text)
        if total > LONGEST_WARNINGS - LONGEST_WARNING:
            return [*found, f"podseal: {len(unique) - number} more warnings; `podseal check` shows all"]
        found.append(text)
    return found


def annotations_of_validation(verdict: model.Verdict) -> dict[str, str]:
    """Audit annotations of /validate: controls with the containers concerned, by the strongest that follows."""
    by_mode: dict[model.Mode, Named] = {}
    for each in verdict.findings:
        by_mode.setdefault(each.modes[0], {}).setdefault(each.control, {})[each.container] = None
    keys = KEYS_OF_PODS if verdict.subject.kind == "Pod" else KEYS_OF_TEMPLATES
    found = {keys[mode]: _annotation(_compact(named)) for mode, named in by_mode.items()}
    if verdict.waived:
        waived: Named = {}
        for waiver in verdict.waived:
            waived.setdefault(waiver.finding.control, {})[waiver.waiver.ticket] = None
        found["validate-waived"] = _annotation(_compact(waived))
    if verdict.skipped.startswith("exempt"):
        found["validate-exempt"] = _annotation(verdict.skipped)
    return found


def annotations_of_mutation(verdict: model.Verdict) -> dict[str, str]:
    """The audit annotation of /mutate: what was changed.

    The API server may call once more after other webhooks changed the pod, and keeps the first value of a key: the
    second round has a key of its own, known by the annotation that the first left on the pod.
    """
    edits = verdict.mutation.edits
    if not edits:
        return {}
    pod = verdict.subject.pod
    metadata = (pod.metadata or None) if pod else None
    again = bool(metadata and MUTATED in (metadata.annotations or ()))
    said = [each.value for each in edits if isinstance(each, model.Annotate) and each.key == MUTATED]
    roots = sum(isinstance(each, model.SetReadOnlyRoot) for each in edits)
    return {"mutate-again" if again else "mutate": _annotation(said[-1] if said else f"readOnlyRootFilesystem={roots}")}


def printable(text: str) -> str:
    """The text with every character escaped that a terminal could take as a command."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def ascii_only(text: str) -> str:
    """The text as an HTTP header can carry it."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, with a sign where something is missing."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _listed(places: list[str]) -> str:
    shown = [cut(each, LONGEST_PLACE) for each in places[:MOST_PLACES]]
    more = len(places) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)


def _grouped(start: str, findings: list[model.Finding]) -> Iterable[str]:
    """One text for each control, field and value, with the containers that it is about."""
    containers: dict[tuple[str, str, str], list[str]] = {}
    for finding in findings:
        field = finding.path.rpartition("].")[2].removeprefix("securityContext.") if finding.container else finding.path
        containers.setdefault((finding.control, field, finding.seen), []).append(finding.container)
    for (control, field, seen), names in containers.items():
        named = ", ".join(name for name in names if name)
        yield f"{start}: {control}: {field} is {seen}{f' ({named})' if named else ''}"


def _compact(named: Named) -> str:
    """`control=a,b;control`, each name once."""
    parts = []
    for control, names in named.items():
        listed = ",".join(filter(None, names))
        parts.append(f"{control}={listed}" if listed else control)
    return ";".join(parts)


def _annotation(value: str) -> str:
    return cut(printable(value), LONGEST_ANNOTATION)
