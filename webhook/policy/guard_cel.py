"""The guard as a ValidatingAdmissionPolicy: the same tables as `guard`, written in CEL.

In: nothing but the tables of labels and controls. Out: the policy and its binding as objects. Called by
tests/manifests/generate.py, which writes them into the chart; run inside the API server, with no pod of podseal.
One expression stands for each right: CEL's budget allows an expression two questions to the authorizer.
"""

from webhook.policy import controls, guard, labels

RESOURCES = ("namespaces", "namespaces/status", "namespaces/finalize")
"""All three carry the metadata of a namespace (tried on 1.37), so each could smuggle a label in."""

VARIABLES = {
    "newLabels": "has(object.metadata.labels) ? object.metadata.labels : {}",
    "oldLabels": "oldObject != null && has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}",
    "newNotes": "has(object.metadata.annotations) ? object.metadata.annotations : {}",
    "oldNotes": "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}",
}
NEW_LABELS, OLD_LABELS, NEW_NOTES, OLD_NOTES = (f"variables.{name}" for name in VARIABLES)
SIDES = ((NEW_LABELS, OLD_LABELS), (NEW_NOTES, OLD_NOTES))


def policy(name: str = "podseal-guard") -> dict[str, object]:
    """The ValidatingAdmissionPolicy."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": list(RESOURCES),
                    }
                ]
            },
            "variables": [{"name": key, "expression": value} for key, value in VARIABLES.items()],
            "validations": [_validation(right) for right in guard.rights()],
        },
    }


def binding(name: str = "podseal-guard") -> dict[str, object]:
    """The binding: every namespace, denial."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }


def _validation(right: str) -> dict[str, str]:
    allowed = f"authorizer.group('{labels.GROUP}').resource('exemptions').name('{right}').check('grant').allowed()"
    return {
        "expression": f"({_free(right)}) || {allowed}",
        "message": (
            f"{_subject(right)}: this change needs the verb grant on exemptions.{labels.GROUP}, resourceName {right}, "
            f"by a ClusterRoleBinding; see: kubectl auth can-i grant exemptions.{labels.GROUP}/{right}"
        ),
        "reason": "Forbidden",
    }


def _subject(right: str) -> str:
    if right == guard.OTHER:
        return f"a label or annotation {labels.PREFIX}* that podseal does not know"
    if right in controls.CONTROLS:
        return f"{labels.PREFIX}{labels.EXEMPT}{right}"
    return labels.PREFIX + right.removeprefix("label.")


def _free(right: str) -> str:
    """The condition under which a change of the keys of this right needs no right."""
    if right == guard.OTHER:
        return _other_free()
    return _exempt_free(right) if right in controls.CONTROLS else _ordered_free(right.removeprefix("label."))


def _exempt_free(control: str) -> str:
    label = f"'{labels.PREFIX}{labels.EXEMPT}{control}'"
    below = f"'{labels.PREFIX}{labels.EXEMPT}{control}.'"
    ours = f"(k == {label} || k.startsWith({below}))"
    date = f"'^({guard.DATE_OR_PERMANENT.pattern})$'".replace("\\", "\\\\")
    shorter = (
        f"k in {OLD_LABELS} && {OLD_LABELS}[k].matches({date}) && {NEW_LABELS}[k].matches({date})"
        f" && {NEW_LABELS}[k] < {OLD_LABELS}[k]"
    )
    narrowing = " || ".join(f"k == '{labels.PREFIX}{labels.EXEMPT}{control}.{each}'" for each in labels.NARROWING)
    first = f"({narrowing}) && !(k in {OLD_NOTES}) && {label} in {OLD_LABELS}"
    return " && ".join(
        (
            f"{NEW_LABELS}.all(k, !{ours} || {_same(NEW_LABELS, OLD_LABELS)} || ({shorter}))",
            f"{NEW_NOTES}.all(k, !{ours} || {_same(NEW_NOTES, OLD_NOTES)} || ({first}))",
            f"{OLD_NOTES}.all(k, !{ours} || k in {NEW_NOTES} || !({label} in {NEW_LABELS}))",
        )
    )


def _ordered_free(name: str) -> str:
    keys = [labels.PREFIX + name]
    if name in labels.VERSIONED:
        keys.append(labels.PREFIX + name + labels.VERSION_SUFFIX)
    order = "[" + ", ".join(f"'{value}'" for value in labels.ORDERED_VALUES[name]) + "]"
    key = f"'{keys[0]}'"
    stricter = (
        f"{key} in {NEW_LABELS} && {key} in {OLD_LABELS} && {OLD_LABELS}[{key}] in {order}"
        f" && {NEW_LABELS}[{key}] in {order}"
        f" && {order}.indexOf({NEW_LABELS}[{key}]) > {order}.indexOf({OLD_LABELS}[{key}])"
    )
    unchanged = [_unchanged(f"'{each}'", new, old) for each in keys for new, old in SIDES]
    return f"({unchanged[0]} || ({stricter})) && " + " && ".join(unchanged[1:])


def _other_free() -> str:
    names = "|".join((*labels.ORDERED_VALUES, *(f"{name}{labels.VERSION_SUFFIX}" for name in labels.VERSIONED)))
    exempt = f"{_literally(labels.EXEMPT)}({'|'.join(controls.CONTROLS)})([.].*)?"
    known = f"'^{_literally(labels.PREFIX)}({names}|{exempt})$'"
    parts = []
    for new, old in SIDES:
        other = f"(k.startsWith('{labels.PREFIX}') && !k.matches({known}))"
        parts += [f"{new}.all(k, !{other} || {_same(new, old)})", f"{old}.all(k, !{other} || k in {new})"]
    return " && ".join(parts)


def _literally(text: str) -> str:
    """A dot as a class, not by a backslash, which a CEL string would want doubled."""
    return text.replace(".", "[.]")


def _same(new: str, old: str) -> str:
    return f"(k in {old} && {old}[k] == {new}[k])"


def _unchanged(key: str, new: str, old: str) -> str:
    return f"(({key} in {new}) == ({key} in {old}) && (!({key} in {new}) || {new}[{key}] == {old}[{key}]))"
