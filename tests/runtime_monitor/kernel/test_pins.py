"""Pins of what outlives the sensor."""

from pathlib import Path

import pytest

from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.pins import DIGEST_SIZE, Store, digest


def test_a_digest_tells_its_parts_apart() -> None:
    """The same bytes cut otherwise are another thing."""
    assert digest(b"a", b"bc") != digest(b"ab", b"c")
    assert len(digest(b"")) == DIGEST_SIZE


def test_a_second_monitor_is_refused(tmp_path: Path) -> None:
    """By the lock on the folder, until the first one is gone."""
    first, second = Store(tmp_path), Store(tmp_path)
    first.lock()
    with pytest.raises(KernelError, match="another monitor watches this node"):
        second.lock()
    first.close()
    second.lock()
    second.close()


def test_an_object_that_is_not_pinned_is_not_adopted(tmp_path: Path) -> None:
    """And counts as missing where it should be."""
    store = Store(tmp_path)
    assert store.adopt(Path("open.bpf.o"), "0123", tmp_path) is None
    assert store.missing({Path("open.bpf.o"): "0123"}) == ["open.bpf.o"]


def test_maps_of_another_wire_format_are_removed(tmp_path: Path) -> None:
    """No program uses them any more."""
    store = Store(tmp_path)
    store.maps("old")
    store.maps("new")
    store.keep_only("new")
    assert [path.name for path in tmp_path.iterdir()] == ["maps-new"]
