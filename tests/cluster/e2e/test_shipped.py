"""The ground on which an installation stands: podseal's namespace, which a test before may still be losing."""

import secrets
from typing import Any, cast

from tests.cluster import beds, waiting
from tests.cluster.e2e import shipped


class EndingBed:
    """A bed on which a namespace that was deleted is gone right after the first question or change."""

    def __init__(self, bed: beds.Bed, name: str) -> None:
        """Args: the real bed, and the namespace that a finalizer still holds."""
        self.bed, self.name = bed, name
        self.held = True

    def apply(self, manifest: dict[str, Any]) -> None:
        """Apply, and let the namespace go."""
        self.bed.apply(manifest)
        self.release()

    def admin(self, *arguments: str) -> str:
        """Run kubectl, and let the namespace go."""
        said = self.bed.admin(*arguments)
        self.release()
        return said

    def release(self) -> None:
        """Take the finalizer away once, and wait for the end."""
        if self.held:
            self.held = False
            self.bed.admin("patch", "namespace", self.name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
            self.bed.admin("wait", "--for=delete", f"namespace/{self.name}", "--timeout=60s")


def test_a_namespace_that_ends_while_it_is_asked_about_is_made_anew(bed: beds.Bed) -> None:
    """A question or an apply may still meet the one that terminates, and the next one nothing."""
    name = f"ending-{secrets.token_hex(4)}"
    metadata = {"name": name, "finalizers": ["podseal.dev/test"]}
    bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    bed.admin("delete", "namespace", name, "--wait=false")
    ending = cast("beds.Bed", EndingBed(bed, name))
    assert not shipped.has_namespace(ending, name)
    waiting.until(lambda: shipped.has_namespace(ending, name), "the namespace anew")
    bed.delete_namespace(name)
