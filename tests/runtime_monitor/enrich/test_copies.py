"""Commands of `kubectl cp` in every form, and what only looks like one."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.enrich import copies

CASES = yaml.safe_load((Path(__file__).parent / "data" / "copies.yaml").read_text())
WORDS = st.lists(st.sampled_from(["tar", "sh", "-c", "-", "-xmf", "cf", "busybox", "--file", "--", "-C", "/x", "|"]))


@pytest.mark.parametrize("reason", CASES)
def test_a_command_is_recognised(reason: str) -> None:
    """Direction and paths, or nothing."""
    case = CASES[reason]
    found = copies.recognise(case["argv"])
    assert found == (copies.Copy(case["direction"], tuple(case["paths"])) if "direction" in case else None)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["test", "-d", "/srv/x"], True),
        (["/usr/bin/test", "-d", "/"], True),
        (["test", "-f", "/srv/x"], False),
        (["test", "-d"], False),
        (["sh", "-d", "/"], False),
    ],
)
def test_what_kubectl_asks_before(argv: list[str], expected: bool) -> None:  # noqa: FBT001 -- a table
    """`test -d DEST`, and nothing else."""
    assert copies.is_preparation(argv) == expected


@given(WORDS | st.lists(st.text()))
def test_any_argv_is_read(argv: list[str]) -> None:
    """Whatever the words: a copy with paths, or none."""
    found = copies.recognise(argv)
    assert found is None or found.paths
