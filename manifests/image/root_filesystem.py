# noqa: INP001 -- a script, no module
"""Collects what an image consists of: Python, podseal, and the shared libraries that they load.

In: a folder with an installation of podseal (a virtual environment), a folder to fill, and the names of libraries that
are loaded by name at run time, as arguments. Out: the second folder, the root filesystem of an image. Run by the
Dockerfile inside the base image, whose Python it takes.
No shell, no package manager and no pip come along: nothing is there that an attacker could live off, and an image of
150 MB has no room for it. It uses the standard library and the base's `ldd` and `ldconfig`.
"""

import compileall
import pathlib
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig

# Of the standard library: a test suite, an editor, installers and what links against Python.
UNUSED = ("test", "tests", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip", "pydoc_data", "config-*")
PACKAGES = ("site-packages", "dist-packages")
# Two thirds of the kubernetes package: its asynchronous twin and its typed API. podseal uses neither, for they would
# cost each process 78 MiB (webhook/apiserver.py, certs/cluster/api.py).
UNUSED_OF_KUBERNETES = ("aio", "client/api")
MERGED = ("bin", "sbin", "lib", "lib64")
MOUNT_POINTS = ("dev/shm", "etc/podseal", "proc", "run/podseal/tls", "sys", "tmp", "var/lib/podseal")
USERS = "root:x:0:0:root:/:/nonexistent\nnonroot:x:65532:65532:nonroot:/:/nonexistent\n"
GROUPS = "root:x:0:\nnonroot:x:65532:\n"
LIBRARY = re.compile(r"(/\S+) \(0x")


def main(installed: pathlib.Path, root: pathlib.Path, *named: str) -> None:
    """Fill the folder."""
    root.mkdir()
    for name in MERGED:  # /lib and /usr/lib are one on a system with merged /usr
        link = pathlib.Path("/", name)
        if link.is_symlink():
            (root / link.readlink()).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(link.readlink())
    standard_library = pathlib.Path(sysconfig.get_path("stdlib"))
    copy_tree(standard_library, root, shutil.ignore_patterns(*UNUSED, *PACKAGES, "__pycache__"))
    copy_tree(installed, root, shutil.ignore_patterns("__pycache__"))
    for package in inside(root, installed).glob("lib/python*/site-packages/kubernetes"):
        for name in UNUSED_OF_KUBERNETES:
            shutil.rmtree(package / name)
    copy_interpreter(installed / "bin" / "python3", root)
    for path in map(by_name, named):
        copy_file(path, root)
    for path in libraries(root):
        copy_file(path, root)
    for path in ("/etc/ld.so.conf", "/etc/nsswitch.conf"):
        copy_file(pathlib.Path(path), root) if pathlib.Path(path).exists() else None
    copy_tree(pathlib.Path("/etc/ld.so.conf.d"), root)
    for name in MOUNT_POINTS:  # a container's own filesystem may be read-only before its mounts are made
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "etc" / "passwd").write_text(USERS)
    (root / "etc" / "group").write_text(GROUPS)
    subprocess.run(["/sbin/ldconfig", "-r", root], check=True)  # noqa: S603 -- paths of the image
    for path in (standard_library, installed):  # nothing can be compiled later, where nothing can be written
        compileall.compile_dir(
            inside(root, path),
            quiet=1,
            stripdir=str(root),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def inside(root: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    """The place of an absolute path below the folder."""
    return root / path.relative_to("/")


def copy_tree(source: pathlib.Path, root: pathlib.Path, ignore: object = None) -> None:
    """Copy a folder to its own place, links as links."""
    shutil.copytree(source, inside(root, source), symlinks=True, ignore=ignore, dirs_exist_ok=True)


def copy_file(source: pathlib.Path, root: pathlib.Path) -> None:
    """Copy a file to its own place, with the content of what it may be a link to."""
    target = inside(root, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy2(source, target)


def copy_interpreter(link: pathlib.Path, root: pathlib.Path) -> None:
    """Copy the program at the end of a chain of links, and the links that are not there yet."""
    while link.is_symlink():
        target = inside(root, link)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink():
            target.symlink_to(link.readlink())
        link = link.parent / link.readlink()
    copy_file(link, root)


def by_name(library: str) -> pathlib.Path:
    """Where the base image's loader finds a library."""
    told = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^\s*{re.escape(library)} .* => (\S+)$", told, re.MULTILINE)
    return pathlib.Path(found[1]) if found else sys.exit(f"the base image has no {library}")


def libraries(root: pathlib.Path) -> set[pathlib.Path]:
    """The shared libraries that the interpreter and all extension modules load, as the base has them."""
    programs = [path for path in root.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    found: set[pathlib.Path] = set()
    for program in programs:
        place = pathlib.Path("/") / program.relative_to(root)  # where it finds libraries of its own wheel
        done = subprocess.run(["/usr/bin/ldd", place], capture_output=True, text=True, check=False)  # noqa: S603 -- as above
        found |= {pathlib.Path(each) for each in LIBRARY.findall(done.stdout)}
        missing = re.findall(r"(\S+) => not found", done.stdout)
        if missing:
            sys.exit(f"{place} needs {', '.join(missing)}, which the base image does not have")
    return {path for path in found if not inside(root, path).exists()}


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:])
