"""Reading BTF."""

import pytest

from runtime_monitor.bpf import build
from runtime_monitor.kernel import layout
from runtime_monitor.kernel.btf import KIND_TYPEDEF, Types
from runtime_monitor.kernel.libbpf import KernelError

OBJECT = build.build()[0]


def test_a_struct_s_members_have_offsets_and_sizes() -> None:
    """As the compiler laid them out."""
    with Types.of_file(OBJECT) as types:
        assert types.members("event")["time"] == (0, 8)
        assert types.members("event")["comm"][1] == 16
        assert types.size("event") == layout.SIZE


def test_what_is_not_there_is_said_by_name() -> None:
    """And asked for without raising."""
    with Types.of_file(OBJECT) as types:
        assert not types.has("no_such_struct")
        assert types.has("__u32", KIND_TYPEDEF)
        assert types.variables(".nosection") == {}
        with pytest.raises(KernelError, match="type no_such_struct"):
            types.size("no_such_struct")
