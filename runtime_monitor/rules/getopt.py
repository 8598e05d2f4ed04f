"""`getopt(proc.args, "lp:e:")`: the short options of a command line, as getopt(3) finds them.

In: the words of a command line and getopt's option string. Out: the options and their arguments in their order, or
with a selector the last argument of one. Pure. Called by `resolve`. The meaning is libsinsp's: an unknown option is
`?`, `--` and the first word that is no option end the options, words such as `--exec` are passed over, an option whose
argument is missing is an empty text.
"""

from collections.abc import Iterator, Sequence

Known = dict[str, bool]
"""Option -> whether it has an argument."""


def known(options: str) -> Known:
    """What an option string says; a leading `:` and a second one behind an option say nothing here."""
    found: Known = {}
    for position, letter in enumerate(options):
        if letter != ":":
            found[letter] = options[position + 1 : position + 2] == ":"
    return found


def listed(words: Sequence[str], options: Known) -> tuple[str, ...]:
    """All options, each with its argument behind it."""
    return tuple(text for _option, texts in _found(words, options) for text in texts)


def selected(words: Sequence[str], options: Known, option: str) -> str | None:
    """The argument of the last occurrence of one option, the option itself where it has none; None where it is not."""
    last = None
    for found, texts in _found(words, options):
        if found == option:
            last = texts[-1]
    return last


def _found(words: Sequence[str], options: Known) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each option, and what of it is listed; an unknown one has no name."""
    left = iter(words)
    for word in left:
        if word in ("-", "--") or not word.startswith("-"):
            return
        if word.startswith("--"):
            continue
        for position, letter in enumerate(word[1:], start=1):
            if letter not in options:
                yield "", ("?",)
            elif not options[letter]:
                yield letter, (letter,)
            else:
                argument = word[position + 1 :] or next(left, None)
                yield letter, ("",) if argument is None else (letter, argument)
                break
