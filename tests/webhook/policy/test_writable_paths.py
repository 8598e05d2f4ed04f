"""The annotation podseal.dev/writable-paths: what it asks for, and every way to get it wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import paths, writable_paths

CONTAINERS = ("web", "side")

ASKED = {
    "web=/cache": {"web": ("/cache",)},
    "web=/cache,/srv/x": {"web": ("/cache", "/srv/x")},
    "web=/cache;side=/cache": {"web": ("/cache",), "side": ("/cache",)},
    "*=/cache;web=/srv": {"*": ("/cache",), "web": ("/srv",)},
    " web = /cache , //srv/./x/ ; ": {"web": ("/cache", "/srv/x")},
    "web=/a;web=/b,/a": {"web": ("/a", "/b")},
    "": {},
}

MALFORMED = {
    "web": "entry 'web' is not container=/path[,/path]",
    "=/cache": "entry '=/cache' is not container=/path[,/path]",
    "web=": "path '' is not absolute",
    "web=/cache,": "path '' is not absolute",
    ";web=/cache": "entry '' is not container=/path[,/path]",
    "web=tmp": "path 'tmp' is not absolute",
    "web=/a/../etc": "path '/a/../etc' contains ..",
    "web=/a:b": "path '/a:b' contains one of : , ;",
    "web=/a\nb": "path '/a\\nb' contains a control character",
    "web=/": "path '/' is the system's; an emptyDir would hide what containers need",
    "web=/cache;other=/bin/": "path '/bin/' is the system's; an emptyDir would hide what containers need",
    "web=" + "/x" * 5000: "is longer than 8192 characters",
    "web=" + ",".join(f"/{number}" for number in range(257)): "asks for 257 volumes, more than 256",
    "*=" + ",".join(f"/{number}" for number in range(129)): "asks for 258 volumes, more than 256",
}


@pytest.mark.parametrize(("text", "asked"), ASKED.items())
def test_an_annotation_asks_for_paths(text: str, asked: dict[str, tuple[str, ...]]) -> None:
    """Blanks, repetition and spelling aside, in the order of the text."""
    request, notes = writable_paths.read(text, CONTAINERS)
    assert dict(request.paths) == asked
    assert not notes


@pytest.mark.parametrize(("text", "reason"), MALFORMED.items(), ids=[reason[:40] for reason in MALFORMED.values()])
def test_a_malformed_annotation_asks_for_nothing(text: str, reason: str) -> None:
    """One note says what is wrong; the rest of the annotation does not count either."""
    request, notes = writable_paths.read(text, CONTAINERS)
    assert request == writable_paths.NOTHING
    assert notes == [f"podseal.dev/writable-paths is ignored: {reason}"]


def test_no_annotation_asks_for_nothing() -> None:
    """Null is a legal value of the field and means the same."""
    assert writable_paths.read(None, CONTAINERS) == (writable_paths.NOTHING, [])


def test_a_container_that_is_not_there_is_told() -> None:
    """The others get what they asked for; hostile names are quoted and cut."""
    request, notes = writable_paths.read(f"web=/cache;{'é' * 50}=/cache", CONTAINERS)
    assert request.of("web") == ("/cache",)
    assert notes == ["podseal.dev/writable-paths: the pod has no container '" + "\\xe9" * 40 + "...'"]


def test_a_star_comes_before_the_containers_own_paths() -> None:
    """Both count."""
    request, _ = writable_paths.read("side=/own;*=/all", CONTAINERS)
    assert request.of("side") == ("/all", "/own")
    assert request.of("web") == ("/all",)


@given(st.text(st.characters() | st.sampled_from("=/,;*. ")))
def test_any_text_yields_usable_paths_or_one_note(text: str) -> None:
    """Never an exception; what is asked for is fit to be mounted, and notes are one line of ASCII."""
    request, notes = writable_paths.read(text, CONTAINERS)
    for each in request.paths.values():
        assert all(paths.problem(path) == "" for path in each)
    assert all(note.isascii() and note.isprintable() for note in notes)
