"""For an alert of drift: what to add to the pod, or which policy would have stopped it.

In: an Alert. Out: a `Remedy` to be pasted, or None. Pure. Called by the API for the page. The rules about paths are the
webhook's own (`webhook.policy.paths`), so that what is suggested here is what it would accept.
"""

import posixpath
import re
from typing import Final

from msgspec import Struct

from runtime_monitor.alerts import Alert
from webhook.policy import paths

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NEEDS_POLICY: Final = {
    "exec": "A program ran that is not of the image. A read-only root file system leaves no place to put one:",
    "escape": "Something reached out of the container. The default profile denies what makes that possible:",
}


class Remedy(Struct, frozen=True):
    """`text` is to be pasted as it is: YAML, or a command for whoever administers the namespace."""

    title: str
    text: str


def remedy(alert: Alert) -> Remedy | None:
    """What would have prevented an alert of drift; None for other alerts, and where a name is no name."""
    fields = alert.output_fields
    kind = str(fields.get("drift.kind") or "")
    namespace, container = str(fields.get("k8s.ns.name") or ""), str(fields.get("container.name") or "")
    if not kind or not NAME.fullmatch(namespace):
        return None
    if kind in NEEDS_POLICY:
        return Remedy(NEEDS_POLICY[kind], _enforce(namespace))
    folder = paths.canonical(posixpath.dirname(str(fields.get("fd.name") or "")) or "/")
    if paths.problem(folder) or not NAME.fullmatch(container):
        return Remedy("No volume belongs there. A read-only root file system refuses the write:", _enforce(namespace))
    told = "denied" if kind == "attempt" else "seen"
    return Remedy(
        f"A write below {folder} was {told}. If the program needs it, give it a volume:", _volume(container, folder)
    )


def _enforce(namespace: str) -> str:
    return f"kubectl label namespace {namespace} podseal.dev/enforce=default --overwrite"


def _volume(container: str, folder: str) -> str:
    """The annotation that asks podseal for it, and the same by hand."""
    volume = f"writable-{re.sub(r'[^a-z0-9]+', '-', folder.lower()).strip('-')[:50].strip('-') or 'folder'}"
    quoted = folder.replace('"', '\\"')
    return (
        "# either: podseal mounts it when the pod is created\n"
        "metadata:\n"
        "  annotations:\n"
        f'    podseal.dev/writable-paths: "{container}={quoted}"\n'
        "# or: in the pod's own manifest\n"
        "spec:\n"
        "  containers:\n"
        f"    - name: {container}\n"
        "      volumeMounts:\n"
        f'        - {{name: {volume}, mountPath: "{quoted}"}}\n'
        "  volumes:\n"
        f"    - {{name: {volume}, emptyDir: {{sizeLimit: 64Mi}}}}\n"
    )
