"""Container ids in cgroup paths as runtimes write them, and as nobody should."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.enrich import cgroup

CASES = yaml.safe_load((Path(__file__).parent / "data" / "cgroup_paths.yaml").read_text())
IDS = re.compile("<(.)>")


@pytest.mark.parametrize("reason", CASES)
def test_a_path_names_its_containers(reason: str) -> None:
    """Ids from the outermost to the innermost, and the runtime of the innermost."""
    path, runtime, letters = CASES[reason]
    found = cgroup.containers(IDS.sub(lambda match: match[1] * 64, path))
    assert [each.id for each in found] == [letter * 64 for letter in letters]
    assert (found[-1].runtime if found else "") == runtime


@pytest.mark.parametrize(
    ("reason", "text", "expected"),
    [
        ("v2 alone", f"0::/k8s.io/{'a' * 64}\n", ["a" * 64]),
        ("hybrid: only v1 knows", f"5:devices:/docker/{'c' * 64}\n1:name=systemd:/\n0::/\n", ["c" * 64]),
        ("hybrid: only v2 knows", f"5:devices:/\n0::/k8s.io/{'a' * 64}\n", ["a" * 64]),
        ("the host", "5:devices:/\n0::/\n", []),
        ("a path with colons", f"0::/kubepods-pod1.slice:cri-containerd:{'a' * 64}\n", ["a" * 64]),
        ("empty", "", []),
        ("no lines of a cgroup file", "hello\n:\n", []),
    ],
)
def test_a_process_is_placed_by_the_line_that_tells_most(reason: str, text: str, expected: list[str]) -> None:
    """Version 1, 2 and both."""
    assert [each.id for each in cgroup.of_process(text)] == expected, reason


@given(st.text())
def test_any_text_is_a_path(text: str) -> None:
    """Whatever a folder is called: an answer, and only ids in it."""
    for each in cgroup.containers(text):
        assert re.fullmatch("[0-9a-f]{64}", each.id)
