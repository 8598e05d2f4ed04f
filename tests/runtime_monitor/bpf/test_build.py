"""Building the kernel's programs."""

from pathlib import Path

import pytest

from runtime_monitor.bpf import build


def test_every_source_has_its_object() -> None:
    """And nothing is compiled again that is newer than its sources."""
    made = build.build()
    assert [path.name for path in made] == [f"{source.stem}.o" for source in build.sources()]
    before = [path.stat().st_mtime_ns for path in made]
    assert [path.stat().st_mtime_ns for path in build.build()] == before


def test_a_program_is_small() -> None:
    """One concern a file: at most 220 lines."""
    for source in build.sources():
        assert len(source.read_text().splitlines()) <= 220, source.name


def test_without_a_compiler_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages that would do."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(build.BuildError, match=r"install the package ziglang \(pip\) or clang \(Debian\)"):
        build.compiler()


def test_a_source_that_does_not_compile_is_told_in_the_compiler_s_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name and the line."""
    (tmp_path / "bad.bpf.c").write_text("int x = ;\n")
    (tmp_path / "some.h").write_text("")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    with pytest.raises(build.BuildError, match=r"(?s)bad\.bpf\.c: the compiler refused it:.*expected expression"):
        build.build(tmp_path / "out")
