"""What the tests of this folder need of a machine: root, namespaces, the kernel's own files.

In: nothing. Out: nothing, or the test is skipped with the reason in one line; where nothing may be skipped
(PODSEAL_REQUIRE_ALL=1) it fails.
"""

import os
import pathlib

from tests.cluster import requirements


def to_make_containers() -> None:
    """Root, overlay, and a cgroup hierarchy."""
    need(given=os.geteuid() == 0, reason="needs root: namespaces, mounts and cgroups")
    need(given="overlay" in pathlib.Path("/proc/filesystems").read_text(), reason="needs overlayfs: modprobe overlay")


def to_load_programs() -> None:
    """That, and a kernel that describes its own types."""
    to_make_containers()
    need(
        given=pathlib.Path("/sys/kernel/btf/vmlinux").exists(), reason="needs a kernel with BTF: CONFIG_DEBUG_INFO_BTF"
    )


def need(*, given: bool, reason: str) -> None:
    """Skip, or fail, with the reason where something is not given."""
    with requirements.or_skip():
        if not given:
            raise requirements.MissingError(reason)
