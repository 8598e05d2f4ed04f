r"""Globs, regular expressions and path prefixes in linear time, whatever they are.

In: a pattern of a rule. Out: a function text -> bool. Called by `operators` when a rule is compiled and by fields whose
argument is a glob. A glob is fnmatch(3) without flags: `*` crosses `/`, `?` is one character, `[a-z]`, `[!a]`, and a
backslash takes the next character as it is. Regular expressions are RE2's and match as a whole.
"""

import functools
from collections.abc import Callable, Iterable

import re2

Matcher = Callable[[str], bool]
NOTHING = r"[^\x00-\x{10FFFF}]"
"""Matches no character."""
MAX_PATTERN = 10_000
"""Characters of one pattern; RE2 also refuses what would need more than its memory."""


class PatternError(ValueError):
    """A pattern that cannot be compiled; the text says why."""


@functools.lru_cache(maxsize=4096)
def matcher(glob: str, *, ignore_case: bool = False) -> Matcher:
    """Whether a text matches the glob as a whole.

    Raises:
        PatternError: longer than MAX_PATTERN.
    """
    if ignore_case:
        inner = matcher(glob.lower())
        return lambda text: inner(text.lower())
    if len(glob) > MAX_PATTERN:
        raise PatternError(f"a pattern of {len(glob)} characters: at most {MAX_PATTERN} are read")
    if not any(character in glob for character in "?[\\"):
        return _stars(glob)
    return regex(_translated(glob), dot_newline=True)


@functools.lru_cache(maxsize=4096)
def regex(pattern: str, *, dot_newline: bool = False) -> Matcher:
    """Whether a text matches the regular expression as a whole, in RE2's syntax and time.

    Raises:
        PatternError: not RE2's syntax, too long, or too large once compiled.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern of {len(pattern)} characters: at most {MAX_PATTERN} are read")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_newline
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error.args[0]
        raise PatternError(f"no regular expression of RE2: {reason}") from None
    fullmatch = compiled.fullmatch

    def matches(text: str) -> bool:
        try:
            return fullmatch(text) is not None
        except UnicodeEncodeError:
            return fullmatch(printable(text)) is not None

    return matches


def printable(text: str) -> str:
    """Text whose bytes were no UTF-8 (surrogates, PEP 383), with U+FFFD in their place: file names may be anything."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def prefixes(paths: Iterable[str]) -> Matcher:
    """Whether a path lies at or below one of the paths, by whole components; each component may be a glob.

    `/var/run` covers `/var/run` and `/var/run/x`, not `/var/runner` (libsinsp's pmatch).
    """
    exact: dict[int, set[tuple[str, ...]]] = {}
    patterned: list[tuple[Matcher, ...]] = []
    for path in paths:
        parts = _components(path)
        if any(character in path for character in "*?[\\"):
            patterned.append(tuple(matcher(part) for part in parts))
        else:
            exact.setdefault(len(parts), set()).add(parts)

    def covers(text: str) -> bool:
        parts = _components(text)
        if any(parts[:length] in known for length, known in exact.items()):
            return True
        return any(
            len(globs) <= len(parts) and all(glob(part) for glob, part in zip(globs, parts, strict=False))
            for globs in patterned
        )

    return covers


def _components(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _stars(glob: str) -> Matcher:
    """A glob with no special character but `*`: the parts must occur one after the other."""
    first, *rest = glob.split("*")
    if not rest:
        return first.__eq__
    *middle, last = rest
    needed = len(first) + len(last)

    def matches(text: str) -> bool:
        if len(text) < needed or not text.startswith(first) or not text.endswith(last):
            return False
        position, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    return matches


def _translated(glob: str) -> str:
    """The glob as an RE2 expression."""
    parts, position = [], 0
    while position < len(glob):
        character = glob[position]
        position += 1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "\\" and position < len(glob):
            parts.append(re2.escape(glob[position]))
            position += 1
        elif character == "[" and (closing := _closing(glob, position)) > 0:
            parts.append(_set(glob[position:closing]))
            position = closing + 1
        else:
            parts.append(re2.escape(character))
    return "".join(parts)


def _closing(glob: str, start: int) -> int:
    """Where the bracket closes; a `]` that comes first is one of the set. -1 where it never closes."""
    first = start + 1 if glob[start : start + 1] in ("!", "^") else start
    return glob.find("]", first + 1)


def _set(inner: str) -> str:
    """What stands between brackets as an RE2 class; a range from high to low is empty, as in fnmatch."""
    negated = inner[0] in "!^"
    rest = inner[negated:]
    members: list[str] = []
    position = 0
    while position < len(rest):
        first = rest[position]
        if rest[position + 1 : position + 2] == "-" and position + 2 < len(rest):
            last = rest[position + 2]
            if first <= last:
                members.append(f"{re2.escape(first)}-{re2.escape(last)}")
            position += 3
        else:
            members.append(re2.escape(first))
            position += 1
    if not members:
        return "." if negated else NOTHING
    return f"[{'^' if negated else ''}{''.join(members)}]"
