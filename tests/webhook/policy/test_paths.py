"""Spellings of paths, aliases, and the places where no emptyDir may be."""

import posixpath
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy import paths

NORMALISED = {
    "/data": "/data",
    "/data/": "/data",
    "//data": "/data",
    "///data//x/": "/data/x",
    "/./data/./x": "/data/x",
    "/data/../x": "/x",
    "/../x": "/x",
    "data": "/data",
    "": "/",
    "/": "/",
    "//": "/",
    "/.hidden/x": "/.hidden/x",
    "/a..b": "/a..b",
}

CANONICAL = {
    "/var/run": "/run",
    "/var/run/": "/run",
    "//var//run/x": "/run/x",
    "/var/lock": "/run/lock",
    "/var/lock/x": "/run/lock/x",
    "/var/run/lock": "/run/lock",
    "/var/running": "/var/running",
    "/var/locker/x": "/var/locker/x",
    "/run": "/run",
    "/srv/var/run": "/srv/var/run",
}

PROBLEMS = {
    "tmp": "is not absolute",
    "": "is not absolute",
    "/a/../etc": "contains ..",
    "/..": "contains ..",
    "/a:b": "contains one of : , ;",
    "/a,b": "contains one of : , ;",
    "/a\nb": "contains a control character",
    "/a\x00": "contains a control character",
    "/a\x7f": "contains a control character",
    "/a\u202eb": "contains a control character",
    "/" + "a" * 512: "is longer than 512 characters",
}

TARGETS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "paths.yaml").read_text())


@pytest.mark.parametrize(("path", "expected"), NORMALISED.items())
def test_every_spelling_comes_down_to_one(path: str, expected: str) -> None:
    """Slashes, dots and a missing slash in front make no other place."""
    assert paths.normalise(path) == expected


@pytest.mark.parametrize(("path", "expected"), CANONICAL.items())
def test_run_has_two_names(path: str, expected: str) -> None:
    """/var/run and /var/lock are /run and /run/lock, and only as whole parts."""
    assert paths.canonical(path) == expected


@pytest.mark.parametrize(("path", "reason"), PROBLEMS.items())
def test_a_path_that_cannot_be_meant_is_refused(path: str, reason: str) -> None:
    """Each with its reason."""
    assert paths.problem(path) == reason


@pytest.mark.parametrize("path", TARGETS["forbidden"])
def test_system_directories_are_refused(path: str) -> None:
    """An empty directory there would stop the container."""
    assert paths.problem(path).startswith("is the system's")


@pytest.mark.parametrize("path", TARGETS["fine"])
def test_what_lies_deeper_or_is_only_named_alike_is_fine(path: str) -> None:
    """The rule speaks of whole directories, not of prefixes of names."""
    assert paths.problem(path) == ""


def test_upwards_ends_at_the_root() -> None:
    """The path itself, its ancestors, the root; the root alone has only itself."""
    assert list(paths.upwards("/a/b")) == ["/a/b", "/a", "/"]
    assert list(paths.upwards("/")) == ["/"]


@given(st.text(st.sampled_from("/.ab")))
def test_normalising_agrees_with_posix_and_is_done_once(path: str) -> None:
    """The shortcut for plain paths gives what the full rule gives, and a normalised path stays as it is."""
    normalised = paths.normalise(path)
    assert normalised == "/" + posixpath.normpath("/" + path).lstrip("/")
    assert paths.normalise(normalised) == normalised
    assert paths.canonical(paths.canonical(path)) == paths.canonical(path)
