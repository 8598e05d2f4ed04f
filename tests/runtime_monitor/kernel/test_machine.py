"""What a machine must have."""

import os
from pathlib import Path

import pytest

from runtime_monitor.kernel import machine
from runtime_monitor.kernel.libbpf import KernelError


@pytest.fixture
def vmlinux(tmp_path: Path) -> Path:
    """A kernel with BTF, asked by root."""
    (tmp_path / "vmlinux").touch()
    return tmp_path / "vmlinux"


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, vmlinux: Path) -> None:
    """With the remedy."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(KernelError, match="needs root: run it with sudo"):
        machine.require(vmlinux)


def test_a_kernel_without_types_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the option that is missing."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(KernelError, match="CONFIG_DEBUG_INFO_BTF"):
        machine.require(tmp_path / "vmlinux")


def test_a_locked_down_kernel_is_refused(monkeypatch: pytest.MonkeyPatch, vmlinux: Path, tmp_path: Path) -> None:
    """Where reading its memory is forbidden; integrity alone is no hindrance."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    lockdown = tmp_path / "lockdown"
    lockdown.write_text("none [integrity] confidentiality\n")
    machine.require(vmlinux, lockdown)
    lockdown.write_text("none integrity [confidentiality]\n")
    with pytest.raises(KernelError, match="locked down"):
        machine.require(vmlinux, lockdown)


def test_the_host_is_known_by_the_first_process_or_by_ours() -> None:
    """Ours where that one is hidden."""
    found = machine.host()
    assert found.root_device
    assert found.mount_namespace
    assert found.pid_namespace


KERNEL, ORDINARY = 0x208040, 0x400000
"""The flags of kthreadd on a 6.18, and of a shell."""


@pytest.mark.parametrize(("flags", "expected"), [(KERNEL, "2"), (ORDINARY, "self")], ids=["the kernel's", "anybody's"])
def test_without_the_first_process_the_second_is_asked(tmp_path: Path, flags: int, expected: str) -> None:
    """In a container's own namespaces they would be taken for the host's otherwise, and every process for a way in."""
    (tmp_path / "1").symlink_to("1")  # a loop of links is refused, as the module would
    for name in ("2", "self"):
        (tmp_path / name / "ns").mkdir(parents=True)
        for namespace in ("mnt", "pid"):
            (tmp_path / name / "ns" / namespace).touch()
        (tmp_path / name / "root").mkdir()
    (tmp_path / "2/stat").write_text(f"2 (k) thread) S 0 0 0 0 -1 {flags} 0 0")
    found = machine.host(tmp_path)
    assert found.mount_namespace == (tmp_path / expected / "ns/mnt").stat().st_ino


def test_a_folder_that_cannot_become_bpffs_names_the_command(tmp_path: Path) -> None:
    """With the kernel's reason."""
    with pytest.raises(KernelError, match=r"run mount -t bpf bpf .*absent"):
        machine.mount_bpffs(tmp_path / "absent")
