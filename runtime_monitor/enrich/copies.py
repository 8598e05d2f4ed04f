"""Recognises a copy by the command that `kubectl cp` runs in the container: pure, argv in, direction and paths out.

In: the argv of a process that was started from outside. Out: a `Copy`, None for any other command. Called by
`enrich.sessions`. The forms are those of k8s.io/kubectl/pkg/cmd/cp/cp.go, which `docker cp`-like tools of clusters
(oc, k9s) share: into a container `tar -xmf - -C DIR`, after `test -d DEST`; out of it `tar cf - PATH`, with retries
`sh -c "tar cf - PATH | tail -c+N"`. What an archive holds is only seen as it is unpacked: the writes tell.
"""

import posixpath
import shlex
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

IN: Final = "in"
OUT: Final = "out"
ARCHIVERS: Final = frozenset({"tar", "bsdtar", "gtar"})
SHELLS: Final = frozenset({"sh", "bash", "ash", "dash"})
TAKES_VALUE: Final = "fCbTXIKLNVFH"
"""Letters of tar's bundled options that take the next word as their value, in their order (tar(1))."""
MOST_WORDS: Final = 1024


class Copy(Struct, frozen=True):
    """`paths`: of a copy out what is read, of a copy in the directory that is unpacked into."""

    direction: str
    paths: tuple[str, ...]


class Archive(Struct, frozen=True):
    """What tar is told to do."""

    mode: str = ""
    file: str = ""
    directory: str = ""
    names: tuple[str, ...] = ()


def recognise(argv: Sequence[str]) -> Copy | None:
    """The copy that a command makes through its standard streams."""
    words = _without_wrapper(argv[:MOST_WORDS])
    if not words or _name(words[0]) not in ARCHIVERS:
        return None
    archive = _archive(words[1:])
    if archive.file not in ("-", "/dev/stdin", "/dev/stdout"):
        return None
    if archive.mode == "x":
        return Copy(IN, (archive.directory or ".",))
    if archive.mode == "c" and archive.names:
        names = (posixpath.join(archive.directory, name) for name in archive.names)
        return Copy(OUT, tuple(names))
    return None


def is_preparation(argv: Sequence[str]) -> bool:
    """Whether this is how kubectl asks what the destination is, before it copies into it."""
    return len(argv) == 3 and _name(argv[0]) == "test" and argv[1] == "-d"  # noqa: PLR2004 -- test -d DEST


def _without_wrapper(argv: Sequence[str]) -> list[str]:
    """The words of tar itself: behind `busybox`, or in front of the `| tail -c+N` of a shell's line."""
    words = list(argv)
    if len(words) == 3 and _name(words[0]) in SHELLS and words[1] == "-c":  # noqa: PLR2004 -- sh -c LINE
        before, bar, after = words[2].partition("|")
        if not bar or not after.strip().startswith("tail -c+"):
            return []
        try:
            words = shlex.split(before)
        except ValueError:
            # A path with a lone quote: kubectl does not quote it.
            words = before.split()
    if len(words) > 1 and _name(words[0]) == "busybox":
        words = words[1:]
    return words


def _archive(words: Sequence[str]) -> Archive:
    """Tar's arguments in its three styles: `xmf -`, `-xmf -`, `--extract --file=-` (tar(1), "Option styles")."""
    found: dict[str, str] = {}
    names: list[str] = []
    rest = list(reversed(words))
    first = True
    while rest:
        word = rest.pop()
        if word.startswith("--"):
            _long(word, rest, found)
        elif (word.startswith("-") and word != "-") or first:
            for letter in word.removeprefix("-"):
                if letter in TAKES_VALUE:
                    found[letter] = rest.pop() if rest else ""
                elif letter in "xc":
                    found.setdefault("mode", letter)
        else:
            names.append(word)
        first = False
    return Archive(found.get("mode", ""), found.get("f", ""), found.get("C", ""), tuple(names))


def _long(word: str, rest: list[str], found: dict[str, str]) -> None:
    name, equals, value = word[2:].partition("=")
    if name in ("extract", "get", "create"):
        found.setdefault("mode", "c" if name == "create" else "x")
    elif name in ("file", "directory"):
        found["f" if name == "file" else "C"] = value if equals or not rest else rest.pop()


def _name(program: str) -> str:
    return posixpath.basename(program)
