"""The numbers of events.h in Python."""

import re

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.kernel.calls import Slot
from runtime_monitor.kernel.decode import STDIN
from runtime_monitor.kernel.flags import Flag, Hook, Kind
from runtime_monitor.kernel.layout import PIECES

HEADER = (build.SOURCES / "events.h").read_text()
CALL_HEADER = (build.SOURCES / "lib/call.bpf.h").read_text()


def _names(text: str, enum: str) -> list[str]:
    found = re.search(rf"enum {enum} \{{(.*?)\}}", text, re.DOTALL)
    assert found
    members = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL).split(",")
    return [member.split("=")[0].strip().partition("_")[2] for member in members if "_" in member]


@pytest.mark.parametrize(("enum", "mirror"), [("kind", Kind), ("flag", Flag), ("hook", Hook)])
def test_names_are_the_header_s(enum: str, mirror: type) -> None:
    """Same names in the same order."""
    assert _names(HEADER, enum) == [name for name in vars(mirror) if name.isupper() and not name.startswith("_")]


def test_numbers_are_the_header_s() -> None:
    """Kinds count from one, hooks from none, and each flag is a bit of its own."""
    assert [value for name, value in vars(Kind).items() if name.isupper()] == list(
        range(1, len(_names(HEADER, "kind")) + 1)
    )
    assert [each.value for each in Hook] == list(range(len(_names(HEADER, "hook"))))
    flags = [value for name, value in vars(Flag).items() if name.isupper()]
    assert flags == [1 << bit for bit in range(len(flags))]


def test_pieces_and_stdin_kinds_are_the_header_s() -> None:
    """By order; the last of the pieces is their count."""
    assert len(_names(HEADER, "piece")) == len(PIECES)
    assert [name.lower() for name in _names(HEADER, "stdin_kind")] == ["unknown", *STDIN[1:]]


def test_slots_are_the_header_s() -> None:
    """The first is none, the last their count."""
    assert _names(CALL_HEADER, "slot")[1:-1] == [each.name for each in Slot]
