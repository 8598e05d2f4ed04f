"""The records' layout against the built objects."""

from pathlib import Path

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.kernel import layout
from runtime_monitor.kernel.btf import Types


@pytest.mark.parametrize("path", build.build(), ids=lambda path: path.stem)
def test_python_and_c_agree_about_the_record(path: Path) -> None:
    """By the object's own BTF, of every object that writes records."""
    with Types.of_file(path) as types:
        assert layout.differences(types) == []


def test_a_field_changed_on_one_side_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its name, so that a header and a table that grew apart are found at once."""
    monkeypatch.setattr(layout, "FIELDS", (("time", "I"), *layout.FIELDS[1:-1]))
    with Types.of_file(build.build()[0]) as types:
        told = layout.differences(types)
    assert "event.time: not 4 bytes at 0" in told
    assert "event.parent_comm: unknown here" in told


def test_a_record_has_one_value_a_field() -> None:
    """The named tuple and the format are the same length."""
    assert len(layout.unpack(bytes(layout.SIZE))) == len(layout.Record._fields)
