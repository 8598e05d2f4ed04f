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

PF_KTHREAD: Final = 0x00200000
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
    """By the first process; where a security module hides that one, by kthreadd, which has the host's namespaces too.

    By our own where that one is not here, either: right outside of containers, and in a pod without hostPID, which
    watches nothing but itself.
    """
    for process in (proc / "1", *_kthreadd(proc), proc / "self"):
        try:
            return Host(
                mount_namespace=(process / "ns/mnt").stat().st_ino,
                pid_namespace=(process / "ns/pid").stat().st_ino,
                root_device=(process / "root").stat().st_dev,
            )
        except OSError:
            continue
    raise KernelError(f"{proc}/1 and {proc}/self are hidden: the sensor needs CAP_SYS_PTRACE")


def _kthreadd(proc: Path) -> list[Path]:
    """The second process, where it is the kernel's: in a pid namespace of a container it is anybody."""
    try:
        # The flag PF_KTHREAD (include/linux/sched.h) stands in the ninth field; a command's name can be feigned.
        flags = int((proc / "2/stat").read_text().rpartition(")")[2].split()[6])
    except OSError:
        return []
    return [proc / "2"] if flags & PF_KTHREAD else []


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
