"""Paths inside a container: one spelling for each place, and which places an emptyDir may take.

In: paths as people wrote them in mounts, annotations and catalogues. Out: normalised paths, and reasons against one.
Called by `mounts`, `catalogue`, `writable_paths` and `mutation`. Everything here is text: no file is looked at.
"""

import posixpath
import re
from collections.abc import Iterator

LONGEST = 512
FORBIDDEN = re.compile(
    r"""
      /                                     # the root file system itself
    | /(proc|sys|dev)(/.*)?                 # the kernel's; runtimes refuse mounts there or mount them themselves
    | /etc(/(hosts|hostname|resolv\.conf))? # the kubelet mounts these three
    | /usr(/local)?
    | (/usr(/local)?)?/lib[^/]*             # the image's libraries: /lib, /lib64, /usr/libexec
    | (/usr(/local)?)?/s?bin(/.*)?          # the image's programs
    """,
    re.VERBOSE,
)
"""What an empty directory would hide to no good. What lies deeper may be fine: /usr/local/tomcat/logs is."""


def normalise(path: str) -> str:
    """The shortest spelling: absolute, without `//`, `.`, `..` and a slash at the end.

    The kubelet puts a slash before a relative mountPath, and so does this.
    """
    if path[:1] == "/" and "//" not in path and "/." not in path and (path[-1] != "/" or path == "/"):
        return path
    # normpath keeps exactly two leading slashes, as POSIX lets it.
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def canonical(path: str) -> str:
    """The normalised path with /var/run and /var/lock resolved to /run and /run/lock.

    They are symlinks in Debian, Alpine and UBI images and directories in busybox: two volumes on both names would
    hide one another in the former, and one is enough for a program that uses one name.
    """
    path = normalise(path)
    if path.startswith("/var/"):
        if path.startswith("/var/run") and path[8:9] in ("", "/"):
            return "/run" + path[8:]
        if path.startswith("/var/lock") and path[9:10] in ("", "/"):
            return "/run/lock" + path[9:]
    return path


def upwards(path: str) -> Iterator[str]:
    """The normalised path itself, then its ancestors, nearest first; the last is `/`."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"
    yield path


def problem(path: str) -> str:
    """Why no emptyDir may be mounted at a path; empty where one may."""
    if not path.startswith("/"):
        return "is not absolute"
    if len(path) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not path.isprintable():
        return "contains a control character"
    if any(character in path for character in ":,;"):
        # The API server refuses a colon in a mountPath; the other two separate the annotation's entries.
        return "contains one of : , ;"
    if ".." in path.split("/"):
        return "contains .."
    if FORBIDDEN.fullmatch(normalise(path)):
        return "is the system's; an emptyDir would hide what containers need"
    return ""
