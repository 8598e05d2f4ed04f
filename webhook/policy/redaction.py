"""Secrets out of command lines, before anything stores them.

In: argv as somebody sent it to `kubectl exec`, and patterns. Out: argv with what a pattern's group matches replaced,
cut to a size. Called by `webhook.sessions`. A heuristic: it spares what is plainly a secret, and promises no more.
"""

import re
from collections.abc import Iterable, Sequence

MARK = "[redacted]"
CUT = "[cut]"
MOST_BYTES = 2048

NAMES = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?"

DEFAULT_PATTERNS: tuple[str, ...] = (
    rf"(?i){NAMES}[\"']?\s*[=:]\s*[\"']?([^\s\"'&;]+)",
    rf"(?i)--?[\w-]*{NAMES}\s+(\S+)",
    r"(?i)\bauthorization:\s*(?:bearer|basic)?\s*(\S+)",
    r"(?i)\bbearer\s+(\S+)",
    r"://[^/\s:@]+:([^/\s@]+)@",
    r"(?:^|\s)-p(\S{3,})",
    r"\b(AKIA[0-9A-Z]{16})\b",
    r"\b(eyJ[\w-]{8,}\.[\w-]+\.[\w-]+)\b",
)
"""NAME=value, --name value, HTTP authorization, user:password@host, mysql's -pvalue, AWS key ids, JSON web tokens."""

OPTION = re.compile(rf"(?i)--?[\w-]*{NAMES}")


def compiled(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """The patterns, ready; each needs one group, which is what is replaced.

    Raises:
        ValueError: a pattern is no regular expression, or has no group; the text quotes it.
    """
    made = []
    for pattern in patterns:
        try:
            each = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"redaction pattern {pattern!r} is no regular expression: {error}") from error
        if each.groups != 1:
            raise ValueError(f"redaction pattern {pattern!r} needs exactly one group, around what is secret")
        made.append(each)
    return tuple(made)


def redact(argv: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> tuple[str, ...]:
    """Argv without secrets and at most `MOST_BYTES` long; what is cut off is marked.

    An argument that follows an option named like a secret is replaced whole.
    """
    out: list[str] = []
    size = 0
    follows_option = False
    for argument in argv:
        shown = MARK if follows_option else _redacted(argument[: 2 * MOST_BYTES], patterns)
        follows_option = bool(OPTION.fullmatch(argument[:256]))
        room = MOST_BYTES - size
        encoded = shown.encode("utf-8", "replace")
        if len(encoded) > room:
            return (*out, encoded[: max(0, room - len(CUT))].decode("utf-8", "ignore") + CUT)
        size += len(encoded)
        out.append(encoded.decode())
    return tuple(out)


def _redacted(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        text = pattern.sub(_marked, text)
    return text


def _marked(match: re.Match[str]) -> str:
    """The match with its group replaced; the group's text may stand in the rest as well, and stays there."""
    start, end = (position - match.start() for position in match.span(1))
    return match[0][:start] + MARK + match[0][end:]
