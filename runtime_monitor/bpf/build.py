"""Builds the programs: each `*.bpf.c` of this folder -> `objects/<name>.bpf.o`.

In: the C sources beside this module and a compiler, the `ziglang` wheel's clang or `clang` itself. Out: the objects
that `kernel.loader` opens; they lie in a git-ignored folder in a checkout and inside the package in a wheel. Called by
`make setup` (`python -m runtime_monitor.bpf.build`) and by the build of the wheel (setup.py); an installed wheel needs
no compiler.
"""

import concurrent.futures
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
OBJECTS = SOURCES / "objects"
FLAGS = (
    "-O2",
    "-g",  # BTF, without which nothing is relocatable
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-function",  # of the shared headers an object uses a part
    "-Wno-unused-parameter",
    "-fno-asynchronous-unwind-tables",  # libbpf knows no .eh_frame
)


class BuildError(RuntimeError):
    """No compiler, or the compiler refused a source; the message is complete."""


def compiler() -> tuple[str, ...]:
    """The command that compiles C for the kernel; raises `BuildError` where there is none."""
    if importlib.util.find_spec("ziglang"):
        return (sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding-none")
    if clang := shutil.which("clang"):
        return (clang, "-target", "bpfel")
    raise BuildError("no compiler for the kernel's programs: install the package ziglang (pip) or clang (Debian)")


def sources() -> list[Path]:
    """The programs, one object a concern."""
    return sorted(SOURCES.glob("*.bpf.c"))


def build(target: Path = OBJECTS) -> list[Path]:
    """Compile what is older than its sources; raises `BuildError` with the compiler's own words."""
    target.mkdir(parents=True, exist_ok=True)
    newest_header = max(path.stat().st_mtime for path in SOURCES.rglob("*.h"))
    stale = []
    for source in sources():
        made = target / f"{source.stem}.o"
        if not made.exists() or made.stat().st_mtime < max(newest_header, source.stat().st_mtime):
            stale.append((source, made))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda pair: _compile(*pair), stale))
    return [target / f"{source.stem}.o" for source in sources()]


def _compile(source: Path, made: Path) -> None:
    partial = made.with_suffix(".part")
    command = (*compiler(), *FLAGS, "-c", str(source), "-o", str(partial))
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own arguments
    if run.returncode:
        raise BuildError(f"{source.name}: the compiler refused it:\n{run.stderr}")
    partial.rename(made)


def main() -> int:
    """Build all; print what failed."""
    try:
        build()
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
