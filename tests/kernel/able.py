"""What the tests of this folder need of a machine: root, namespaces, the kernel's own files.

In: nothing. Out: nothing, or the test is skipped with the reason in one line; where nothing may be skipped
(PODSEAL_REQUIRE_ALL=1) it fails.
"""

import os
import pathlib

import pytest


def to_make_containers() -> None:
    """Root, overlay, and a cgroup hierarchy."""
    _need(os.geteuid() == 0, "needs root: namespaces, mounts and cgroups")
    _need("overlay" in pathlib.Path("/proc/filesystems").read_text(), "needs overlayfs: modprobe overlay")


def to_load_programs() -> None:
    """That, and a kernel that describes its own types."""
    to_make_containers()
    _need(pathlib.Path("/sys/kernel/btf/vmlinux").exists(), "needs a kernel with BTF: CONFIG_DEBUG_INFO_BTF")


def _need(given: bool, reason: str) -> None:  # noqa: FBT001 -- the condition is the point
    if not given:
        (pytest.fail if os.environ.get("PODSEAL_REQUIRE_ALL") == "1" else pytest.skip)(reason)
