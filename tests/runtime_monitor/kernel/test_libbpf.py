"""libbpf's way of failing."""

import pytest

from runtime_monitor.kernel import libbpf


def test_the_library_is_loaded_once() -> None:
    """And knows how many CPUs there may be."""
    assert libbpf.library() is libbpf.library()
    assert libbpf.library().libbpf_num_possible_cpus() >= 1


def test_a_failure_says_what_failed_and_why() -> None:
    """A negative number is an errno."""
    with pytest.raises(libbpf.KernelError, match=r"loading x: Operation not permitted|loading x: No such file"):
        libbpf.check("loading x", -2)
    assert libbpf.check("loading x", 3) == 3


def test_without_the_library_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """libbpf1, as Debian calls it."""

    def missing(_: str) -> None:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(libbpf.ffi, "dlopen", missing, raising=False)
    libbpf.library.cache_clear()
    try:
        with pytest.raises(libbpf.KernelError, match="install the package libbpf1"):
            libbpf.library()
    finally:
        libbpf.library.cache_clear()
