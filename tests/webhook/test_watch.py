"""A list and a watch of any kind; what breaks them is tried on the namespaces (test_namespaces.py)."""

from collections.abc import Sequence

import msgspec
from kubernetes.client import ApiClient, Configuration

from tests import waiting
from tests.webhook import fake_apiserver
from webhook import apiserver, watch


class Name(msgspec.Struct, frozen=True):
    """The metadata that this test reads."""

    name: str = ""


class Named(msgspec.Struct, frozen=True):
    """An object of which only the name is read."""

    metadata: Name = Name()


class Diary:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, list[str]]] = []
        self.signs = 0
        self.failures = 0

    def listed(self, objects: Sequence[Named]) -> None:
        """A whole list."""
        self.entries.append(("listed", sorted(each.metadata.name for each in objects)))

    def changed(self, changed: Named) -> None:
        """One object."""
        self.entries.append(("changed", [changed.metadata.name]))

    def deleted(self, deleted: Named) -> None:
        """One object less."""
        self.entries.append(("deleted", [deleted.metadata.name]))

    def heard(self) -> None:
        """A sign of life."""
        self.signs += 1

    def failed(self) -> None:
        """A break."""
        self.failures += 1


def test_selectors_go_with_the_list_and_the_watch() -> None:
    """And each object arrives as the type that was asked for."""
    script = fake_apiserver.Script()
    script.namespaces = {"a": {}, "b": {}}
    diary = Diary()
    with fake_apiserver.serve(script) as address:
        configuration = Configuration(host=address)
        configuration.retries = False
        resource = watch.Resource("/api/v1/namespaces", {"fieldSelector": "metadata.name!=c"})
        source = watch.Watch(apiserver.Client(ApiClient(configuration)), resource, Named, diary)
        source.start()
        try:
            script.watch_lines.put(script.event("ADDED", "d"))
            script.watch_lines.put(script.event("DELETED", "a"))
            script.watch_lines.put(script.event("BOOKMARK", ""))
            waiting.until(lambda: diary.signs == 4, "the acceptance and three lines")
        finally:
            source.stop()
            script.watch_lines.put(fake_apiserver.END)
    assert diary.entries == [("listed", ["a", "b"]), ("changed", ["d"]), ("deleted", ["a"])]
    assert diary.failures == 0
    assert all("fieldSelector=metadata.name%21%3Dc" in request for request in script.requests)
