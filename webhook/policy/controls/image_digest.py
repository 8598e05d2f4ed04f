"""Every image is pinned by its digest.

Fields: spec.{containers,initContainers,ephemeralContainers}[*].image, spec.volumes[*].image.reference
Allowed: a reference that ends in @sha256: and 64 lower-case hexadecimal digits; a tag before it is only a comment.

A tag is moved by whoever may push it: what runs after the next restart need not be what was scanned and admitted.
A digest names the content itself. Pod Security admission has no such check.
An image volume (KEP-4639) brings files of an image into the container and is held to the same.
"""

import re
from collections.abc import Sequence

from webhook.policy import containers, model
from webhook.policy.controls.control import Control, Rule, shown

ALGORITHM = "@sha256:"
DIGITS = re.compile("[0-9a-f]{64}")
LENGTH = len(ALGORITHM) + 64


def check(pod: containers.PodView) -> Sequence[model.Violation]:
    """A violation for each image without a digest."""
    found = [
        container.violation("image", shown(container.container.image))
        for container in pod.containers
        if not _is_pinned(container.container.image or "")
    ]
    for index, volume in enumerate(pod.spec.volumes or ()):
        if isinstance(volume.image, dict):
            reference = volume.image.get("reference")
            if not isinstance(reference, str) or not _is_pinned(reference):
                found.append(model.Violation(f"spec.volumes[{index}].image.reference", shown(reference)))
    return found


def _is_pinned(reference: str) -> bool:
    """Whether there is a name and, after it, a digest and nothing more."""
    return (
        reference[-LENGTH:-64] == ALGORITHM
        and len(reference) > LENGTH
        and DIGITS.fullmatch(reference[-64:]) is not None
    )


CONTROL = Control(
    id="image-digest",
    title="Images without a digest",
    why="A tag can be moved: what starts tomorrow need not be what was scanned and admitted today.",
    fields=("spec.{containers,initContainers,ephemeralContainers}[*].image", "spec.volumes[*].image.reference"),
    allowed="a reference that ends in @sha256:<64 hexadecimal digits>",
    fix_hint="append the image's digest, as in name:tag@sha256:<digest>",
    rules=(Rule("strict", 1, check),),
)
