"""What the machine must have before a program can be loaded; one clear line where it has not.

Called by `sensor`. Raises `KernelError`.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime_monitor.kernel.btf import VMLINUX
from runtime_monitor.kernel.libbpf import KernelError

LOCKDOWN: Final = Path("/sys/kernel/security/lockdown")


def require(vmlinux: Path = VMLINUX, lockdown: Path = LOCKDOWN) -> None:
    """Root, the kernel's BTF, and no lockdown in mode confidentiality."""
    if os.geteuid() != 0:
        raise KernelError("the sensor needs root: run it with sudo, or as the chart's DaemonSet")
    if os.uname().machine != "x86_64":
        raise KernelError(f"the sensor knows the system calls of x86-64 alone, this is {os.uname().machine}")
    if not vmlinux.exists():
        raise KernelError(
            f"{vmlinux} is missing: the kernel was built without CONFIG_DEBUG_INFO_BTF, and 5.17 or later is needed"
        )
    if lockdown.exists() and "[confidentiality]" in lockdown.read_text():
        raise KernelError(
            "the kernel is locked down (confidentiality), which forbids reading its memory: boot with"
            " lockdown=integrity or less"
        )


@dataclass(frozen=True)
class Host:
    """What is the host's own and no container's: inode numbers of its namespaces, st_dev of its root."""

    mount_namespace: int
    pid_namespace: int
    root_device: int


def host(proc: Path = Path("/proc")) -> Host:
    """By the first process; by our own where a security module hides that one, which is right outside of containers."""
    for process in (proc / "1", proc / "self"):
        try:
            return Host(
                mount_namespace=(process / "ns/mnt").stat().st_ino,
                pid_namespace=(process / "ns/pid").stat().st_ino,
                root_device=(process / "root").stat().st_dev,
            )
        except PermissionError:
            continue
    raise KernelError(f"{proc}/1 and {proc}/self are hidden: the sensor needs CAP_SYS_PTRACE")


def mount_bpffs(path: Path) -> None:
    """Mount a BPF file system at `path` unless there is one; raises `KernelError` where the kernel refuses."""
    if _is_bpffs(path):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"bpf", str(path).encode(), b"bpf", 0, b"mode=0700") != 0:
        number = ctypes.get_errno()
        raise KernelError(
            f"{path} is no BPF file system, and mounting one failed: {os.strerror(number)}; run mount -t bpf bpf {path}"
        )


def _is_bpffs(path: Path) -> bool:
    """By its type in /proc/mounts: statvfs(3) does not tell the magic number."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind = line.split(" ")[:3]
        if where == str(path) and kind == "bpf":
            return True
    return False
