"""Changes of the root file system by one call each."""

import ctypes
import errno
import mmap
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_monitor.selftest import entry
from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

WRITE = {"drift.kind": "write"}
OPEN = {**WRITE, "evt.type": frozenset({"open", "openat", "openat2", "creat"})}


@behaviour({**OPEN, "fd.name": f"{HOME}/opened", "fd.path_source": "object"}, image=("opened",))
def open_for_writing(stage: Stage) -> None:
    """A file of the image is opened for writing."""
    stage.call(lambda: os.write(os.open(f"{HOME}/opened", os.O_WRONLY), b"changed"))


@behaviour({**OPEN, "fd.name": f"{HOME}/created", "fd.path_source": "object"})
def create(stage: Stage) -> None:
    """A new file."""
    stage.call(lambda: Path(f"{HOME}/created").write_bytes(b"new"))


@behaviour({**OPEN, "fd.name": f"{HOME}/relative"})
def create_by_a_relative_path(stage: Stage) -> None:
    """A new file, named from a directory's descriptor and through dot-dot."""

    def play() -> None:
        folder = os.open("/usr", os.O_DIRECTORY)
        os.open(f"..{HOME}/relative", os.O_CREAT | os.O_WRONLY, dir_fd=folder)

    stage.call(play)


@behaviour({**WRITE, "evt.type": "truncate", "fd.name": f"{HOME}/truncated"}, image=("truncated",))
def truncate(stage: Stage) -> None:
    """A file is cut to nothing by its name, without being opened."""
    stage.call(lambda: os.truncate(f"{HOME}/truncated", 0))


@behaviour(
    {**WRITE, "evt.type": frozenset({"rename", "renameat", "renameat2"}), "fd.name": f"{HOME}/renamed-over"},
    image=("renamed-from", "renamed-over"),
)
def rename_over(stage: Stage) -> None:
    """One file takes another one's name."""
    stage.call(lambda: os.rename(f"{HOME}/renamed-from", f"{HOME}/renamed-over"))


@behaviour(
    {
        **WRITE,
        "evt.type": frozenset({"link", "linkat"}),
        "fd.name": f"{HOME}/hard-link",
        "evt.args": lambda arguments: arguments.get("oldpath") == f"{HOME}/hard-linked",
    },
    image=("hard-linked",),
)
def hard_link(stage: Stage) -> None:
    """A second name for a file of the image."""
    stage.call(lambda: os.link(f"{HOME}/hard-linked", f"{HOME}/hard-link"))


@behaviour(
    {
        **WRITE,
        "evt.type": frozenset({"symlink", "symlinkat"}),
        "fd.name": f"{HOME}/symbolic-link",
        "evt.args": lambda arguments: arguments.get("target") == "/etc/shadow",
    }
)
def symbolic_link(stage: Stage) -> None:
    """A symbolic link."""
    stage.call(lambda: os.symlink("/etc/shadow", f"{HOME}/symbolic-link"))


@behaviour({**WRITE, "evt.type": frozenset({"unlink", "unlinkat"}), "fd.name": f"{HOME}/unlinked"}, image=("unlinked",))
def unlink(stage: Stage) -> None:
    """A file of the image is deleted."""
    stage.call(lambda: os.unlink(f"{HOME}/unlinked"))


@behaviour({**WRITE, "evt.type": frozenset({"mkdir", "mkdirat"}), "fd.name": f"{HOME}/directory"})
def mkdir(stage: Stage) -> None:
    """A new directory."""
    stage.call(lambda: os.mkdir(f"{HOME}/directory"))


@behaviour({**WRITE, "evt.type": frozenset({"mknod", "mknodat"}), "fd.name": f"{HOME}/device"})
def mknod(stage: Stage) -> None:
    """A device node: another door to what /dev/null is here."""
    stage.call(lambda: os.mknod(f"{HOME}/device", 0o20666, os.makedev(1, 3)))


@behaviour(
    {**WRITE, "evt.type": frozenset({"chmod", "fchmodat", "fchmodat2"}), "fd.name": f"{HOME}/mode"}, image=("mode",)
)
def chmod(stage: Stage) -> None:
    """A file of the image becomes executable."""
    stage.call(lambda: os.chmod(f"{HOME}/mode", 0o755))


@behaviour(
    {**WRITE, "evt.type": frozenset({"chown", "lchown", "fchownat"}), "fd.name": f"{HOME}/owner"}, image=("owner",)
)
def chown(stage: Stage) -> None:
    """A file of the image gets another owner."""
    stage.call(lambda: os.chown(f"{HOME}/owner", 1000, 1000))


@behaviour(
    {**WRITE, "evt.type": frozenset({"setxattr", "lsetxattr"}), "fd.name": f"{HOME}/attribute"}, image=("attribute",)
)
def set_extended_attribute(stage: Stage) -> None:
    """A file of the image gets an attribute; file capabilities are set in this way."""

    def play() -> None:
        try:
            os.setxattr(f"{HOME}/attribute", "trusted.podseal", b"1")
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise

    stage.call(play)


@behaviour({**WRITE, "evt.type": "linkat", "fd.name": f"{HOME}/from-nowhere"})
def nameless_file_gets_a_name(stage: Stage) -> None:
    """O_TMPFILE, then linkat: a file that has no name when it is opened."""

    def play() -> None:
        try:
            nameless = os.open(HOME, os.O_TMPFILE | os.O_WRONLY)
        except OSError as error:
            raise entry.NotHereError(f"overlayfs of this kernel has no O_TMPFILE: {error.strerror}") from error
        os.write(nameless, b"dropped")
        here = os.open("/", os.O_DIRECTORY)
        # With a directory's descriptor Python calls linkat, and so follows the link in /proc.
        os.link(f"/proc/self/fd/{nameless}", f"{HOME}/from-nowhere", dst_dir_fd=here, follow_symlinks=True)

    stage.call(play)


@behaviour({**WRITE, "fd.name": f"{HOME}/mapped"}, image=("mapped",))
def write_through_a_mapping(stage: Stage) -> None:
    """A shared mapping, written by plain stores: no call says when."""

    def play() -> None:
        descriptor = os.open(f"{HOME}/mapped", os.O_RDWR)
        with mmap.mmap(descriptor, 4, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as memory:
            memory[0:4] = b"bits"

    stage.call(play)


@behaviour({**WRITE, "fd.name": f"{HOME}/reopened"}, image=("reopened",))
def reopen_by_proc_self_fd(stage: Stage) -> None:
    """A file opened for reading, opened again for writing through /proc/self/fd."""

    def play() -> None:
        reading = os.open(f"{HOME}/reopened", os.O_RDONLY)
        os.open(f"/proc/self/fd/{reading}", os.O_WRONLY)

    stage.call(play)


@behaviour({**WRITE, "fd.name": f"{HOME}/allocated"}, image=("allocated",))
def fallocate(stage: Stage) -> None:
    """Blocks for a file of the image."""

    def play() -> None:
        os.posix_fallocate(os.open(f"{HOME}/allocated", os.O_RDWR), 0, 65536)

    stage.call(play)


@behaviour({**WRITE, "fd.name": f"{HOME}/range-copied"}, image=("range-copied",))
def copy_file_range(stage: Stage) -> None:
    """One file's bytes go into another one without passing through the process."""

    def play() -> None:
        source = os.open(f"{HOME}/range", os.O_CREAT | os.O_RDWR)
        os.write(source, b"bytes")
        os.copy_file_range(source, os.open(f"{HOME}/range-copied", os.O_WRONLY), 5, 0)

    stage.call(play)


@behaviour(
    {**OPEN, "fd.name": f"{HOME}/raced-to", "fd.path_source": "object"},
    image=("raced-to", "raced-from"),
    crowded=True,
)
def path_changed_during_the_call(stage: Stage) -> Mapping[str, Any] | None:
    """Another thread changes the path while open reads it: what was opened counts, not what the memory says later."""
    stage.call(_race)
    return None


def _race() -> None:
    """Let one thread flip the path's bytes until the other one has opened what the path did not say at the end."""
    first, second = f"{HOME}/raced-from\0".encode(), f"{HOME}/raced-to\0".encode()
    memory = ctypes.create_string_buffer(first, len(first))
    done = threading.Event()

    def flip() -> None:
        while not done.is_set():
            ctypes.memmove(memory, second, len(second))
            ctypes.memmove(memory, first, len(first))

    thread = threading.Thread(target=flip)
    thread.start()
    inode = os.stat(second[:-1]).st_ino
    libc = ctypes.CDLL(None)
    try:
        while True:
            descriptor = libc.open(memory, os.O_WRONLY)
            if descriptor >= 0:
                found = os.fstat(descriptor).st_ino
                os.close(descriptor)
                if found == inode:
                    return
    finally:
        done.set()
        thread.join()
