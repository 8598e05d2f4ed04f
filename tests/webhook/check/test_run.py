"""Whole runs over hostile and broken input: everything is told with file and line, and the rest goes on."""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhook.check import inputs
from webhook.check import files, run

FUZZ_SECONDS = float(os.environ.get("PODSEAL_FUZZ_SECONDS", "0"))

BOMB = b"apiVersion: v1\nkind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 10)) for level in range(1, 9)
)
HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "a bomb of aliases": (BOMB, 1, "aliases"),
    "an alias to itself": (b"apiVersion: v1\nkind: Pod\nspec: &a\n  containers: *a\n", 1, "aliases"),
    "10,000 levels": (b"apiVersion: v1\nkind: Pod\nspec: " + b"[" * 10_000, 3, "nested deeper"),
    "binary": (bytes(range(256)), 1, "not a text file"),
    "a tab": (b"apiVersion: v1\nkind: Pod\nspec:\n\tcontainers: []\n", 4, "spaces, not tabs"),
    "a repeated key": (b"apiVersion: v1\nkind: Pod\nspec: {}\nspec: {}\n", 4, "repeated"),
    "a text for a boolean": (b"apiVersion: v1\nkind: Pod\nspec:\n  hostPID: 'yes'\n", 4, "wrong type"),
    "an unrendered template": (b"apiVersion: v1\nkind: Pod\nspec: {{ .Values.spec }}\n", 3, "render it first"),
    "an integer of 5,000 digits": (
        b"apiVersion: v1\nkind: Pod\nspec:\n  securityContext:\n    runAsUser: " + b"9" * 5000 + b"\n",
        5,
        "wrong type",
    ),
    "not a number": (b"apiVersion: v1\nkind: Pod\nspec:\n  securityContext:\n    runAsUser: .nan\n", 5, "wrong type"),
}

PARTS = [
    *("apiVersion: v1\nkind: Pod\n", "apiVersion: apps/v1\nkind: Deployment\n", "kind: List\n", "items:\n"),
    *("metadata:", "spec:", "template:", "containers:", "- name: a\n", "securityContext:", "privileged: true\n"),
    *("\n", " ", "  ", "    ", "---\n", "...\n", "&a ", "*a", "<<: ", "[", "]", "{", "}", ",", ": ", "- ", "? "),
    *("|\n", ">\n", "'", '"', "!!int ", "!x ", "%YAML 1.1\n", "# Source: x\n", "\t", "\\u0000", "\x00", "\x85"),
    *("\ufeff", "null", "~", "on", "0o7", "1e999", ".inf", "\ud7ff"),
]


@pytest.mark.parametrize(("data", "line", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_one_problem_with_its_line(data: bytes, line: int, reason: str) -> None:
    """And the pod in the next document is judged."""
    report = inputs.check(data + b"\n---\n" + inputs.POD)
    assert (report.problems[0].file, report.problems[0].line) == ("<stdin>", line)
    assert reason in report.problems[0].reason
    assert "Pod shop/web" in [each.title for each in report.judged]


def test_what_is_missing_is_told_and_the_rest_is_judged() -> None:
    """In the order of the command line."""
    request = run.Request(("/no/such.yaml", "-"), files.Source("<stdin>", inputs.POD), inputs.rules())
    report = run.run(request, lambda _done, _total: None)
    assert [each.file for each in report.files] == ["/no/such.yaml", "<stdin>"]
    assert [each.reason for each in report.problems] == ["cannot be read: No such file or directory"]
    assert len(report.judged) == 1


def test_what_holds_no_pod_is_counted() -> None:
    """Services, custom resources, values."""
    report = inputs.check(b"apiVersion: v1\nkind: Service\n---\na: b\n---\n---\n" + inputs.POD)
    assert [(each.ignored, len(each.judged)) for each in report.files] == [(2, 1)]


def _survives(data: bytes) -> None:
    """Judging ends, and every place lies in the file."""
    report = inputs.check(data, show_mutated=True, namespace_labels={"podseal.dev/mutate": "all"})
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + data.count(b"\xe2\x80") + 2
    for problem in report.problems:
        assert problem.reason
        assert 0 <= problem.line <= lines
    for row in report.rows:
        assert 1 <= row.line <= lines
        assert row.column >= 1


@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    """Pieces of manifests and of trouble, in any order."""
    _survives(text.encode())


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever a file may hold."""
    _survives(data)


@given(st.integers(0, len(inputs.POD) - 1), st.binary(max_size=3), st.integers(0, 20))
@settings(deadline=None)
def test_no_damage_to_a_pod_breaks_the_reader(place: int, inserted: bytes, removed: int) -> None:
    """A real pod with some bytes replaced."""
    _survives(inputs.POD[:place] + inserted + inputs.POD[place + removed :])


@pytest.mark.timeout(FUZZ_SECONDS * 2 + 60)
def test_nothing_breaks_the_reader_for_as_long_as_asked() -> None:
    """The same three again, until PODSEAL_FUZZ_SECONDS are over."""
    end = time.monotonic() + FUZZ_SECONDS
    while True:
        test_no_text_breaks_the_reader()
        test_no_bytes_break_the_reader()
        test_no_damage_to_a_pod_breaks_the_reader()
        if time.monotonic() >= end:
            return
