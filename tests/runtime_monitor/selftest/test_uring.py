"""io_uring by its bare calls, against files."""

import errno
import os
import pathlib

import pytest

from runtime_monitor.selftest import uring


@pytest.fixture
def ring() -> uring.Ring:
    """A ring, where the kernel gives one."""
    try:
        return uring.Ring()
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            pytest.skip("io_uring is switched off here")
        raise


def test_open_and_write(ring: uring.Ring, tmp_path: pathlib.Path) -> None:
    """Two operations, one after the other, in one ring."""
    path = tmp_path / "file"
    descriptor = ring.open(str(path), os.O_CREAT | os.O_WRONLY)
    assert ring.write(descriptor, b"bytes") == 5
    os.close(descriptor)
    ring.close()
    assert path.read_bytes() == b"bytes"


def test_a_refusal_is_an_error(ring: uring.Ring, tmp_path: pathlib.Path) -> None:
    """With its number and the path."""
    with pytest.raises(FileNotFoundError) as refusal:
        ring.open(str(tmp_path / "absent" / "file"), os.O_CREAT | os.O_WRONLY)
    ring.close()
    assert refusal.value.filename.endswith("/absent/file")
