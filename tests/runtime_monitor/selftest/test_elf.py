"""The assembled programs: what a reader of ELF sees, and what they do where they run."""

import errno
import pathlib
import platform
import struct
import subprocess

import pytest

from runtime_monitor.selftest import elf

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="32-bit x86 calls exist on x86 only")


@pytest.mark.parametrize(("bits", "elf_class", "machine"), [(32, 1, 3), (64, 2, 62)])
def test_the_header_names_class_and_machine(bits: int, elf_class: int, machine: int) -> None:
    """elf(5): class at byte 4, e_machine at byte 18."""
    program = elf.opens_by_int80("/x", bits)
    assert program[:5] == b"\x7fELF" + bytes([elf_class])
    assert struct.unpack_from("<H", program, 18) == (machine,)


@pytest.mark.parametrize("bits", [32, 64])
def test_it_creates_the_file(bits: int, tmp_path: pathlib.Path) -> None:
    """And ends with 0."""
    assert _run(bits, tmp_path / "made", tmp_path).returncode == 0
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("bits", [32, 64])
def test_it_ends_with_the_refusal(bits: int, tmp_path: pathlib.Path) -> None:
    """Of a directory that is not there."""
    assert _run(bits, tmp_path / "absent" / "made", tmp_path).returncode == errno.ENOENT


def _run(bits: int, made: pathlib.Path, folder: pathlib.Path) -> "subprocess.CompletedProcess[bytes]":
    program = folder / f"program{bits}"
    program.write_bytes(elf.opens_by_int80(str(made), bits))
    program.chmod(0o755)
    return subprocess.run([program], check=False)
