"""The kernel settings that a node changes for the whole machine, and puts back when it goes.

In: nothing. Out: values by path below /proc/sys. Read by bed before the kubelet starts, restored by teardown.
"""

import pathlib

_ROOT = pathlib.Path("/proc/sys")
# The kubelet sets the first six (pkg/kubelet/cm, setupKernelTunables), the ptp plugin the last.
_CHANGED = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/ip_forward",
)


def read() -> dict[str, str]:
    """Return the values as they are now; a setting that this kernel lacks is left out."""
    return {name: (_ROOT / name).read_text().strip() for name in _CHANGED if (_ROOT / name).exists()}


def restore(values: dict[str, str]) -> None:
    """Write the values that differ."""
    now = read()
    for name, value in values.items():
        if now.get(name) != value:
            (_ROOT / name).write_text(value)
