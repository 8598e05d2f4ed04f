"""Files inside a foreign root: links stay inside, and what is no file is not opened."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_monitor.enrich import rooted


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """A root with a file, and beside it a secret that must not be reached."""
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    (inside / "etc" / "passwd").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (tmp_path / "etc").mkdir()
    descriptor = os.open(inside, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def link(root: int, target: str, name: str = "link") -> str:
    """A symbolic link in the root."""
    os.symlink(target, name, dir_fd=root)
    return name


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/etc/passwd", b"inside"),  # absolute: from the root's own top
        ("etc/passwd", b"inside"),
        ("../../../etc/passwd", b"inside"),  # above the root there is the root
        ("../secret", None),
        ("/proc/self/root/etc/passwd", None),
        ("link", None),  # a circle
        ("/etc", None),  # a folder
        ("nowhere", None),
    ],
)
def test_a_link_stays_inside(root: int, target: str, found: bytes | None) -> None:
    """Resolved as the container's own processes would."""
    assert rooted.read(root, link(root, target), 100) == found


def test_a_fifo_is_not_waited_for(root: int) -> None:
    """Nobody writes into it, and the read returns all the same."""
    os.mkfifo("fifo", dir_fd=root)
    assert rooted.read(root, "fifo", 100) is None


def test_a_device_is_not_opened(root: int) -> None:
    """/dev/zero would never end, a watchdog would restart the machine."""
    os.mknod("zero", 0o020666, os.makedev(1, 5), dir_fd=root)
    assert rooted.read(root, "zero", 100) is None


def test_a_link_of_proc_is_refused() -> None:
    """Of the host's own root: /proc/self/root leads out of any root."""
    root = os.open("/", os.O_PATH)
    try:
        with pytest.raises(OSError, match="Too many levels"):
            rooted.open_in(root, "proc/self/root/etc/passwd")
    finally:
        os.close(root)


def test_only_so_much_is_read(root: int) -> None:
    """A passwd of gigabytes costs the bound."""
    assert rooted.read(root, "etc/passwd", 3) == b"ins"


def test_what_a_path_is(root: int) -> None:
    """The file that a link leads to, by its inode; None where it leads nowhere."""
    assert rooted.identity(root, "etc/passwd") is not None
    assert rooted.identity(root, link(root, "/etc/passwd")) == rooted.identity(root, "etc/passwd")
    assert rooted.identity(root, "nowhere") is None
    assert rooted.identity(root, "with\0null") is None


def test_a_process_that_is_gone_has_no_root() -> None:
    """None, not an error."""
    assert rooted.open_root(2**22 + 1) is None
    mine = rooted.open_root(os.getpid())
    assert mine is not None
    os.close(mine)
