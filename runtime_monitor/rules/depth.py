"""How deep conditions may nest, and Python's stack for it.

In: a function that walks a condition. Out: the same function, which may recurse as deep as conditions nest. Used by
what reads conditions (`parser`, `ruleset`, `program`, `pushdown`, `explain`, `engine`). Python ends a recursion at
1,000 frames; a condition of 1,000 parentheses, which Falco takes, needs some thousands. They fit into a C stack of
1 MiB, an eighth of what a thread has.
"""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

PARENTHESES = 1000
"""Parentheses in each other, as Falco takes them (libsinsp's own default is 100)."""
LEVELS = 2 * PARENTHESES + 50
"""Levels of `and`, `or`, `not` once macros are put in: each parenthesis may have a `not` before it."""
FRAMES = 8 * PARENTHESES + 4000
"""Python frames: six for each parenthesis while it is read, and those of the caller."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def allowed(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function with a stack of FRAMES."""

    @functools.wraps(function)
    def deep(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, FRAMES))
        try:
            return function(*args, **kwargs)
        finally:
            sys.setrecursionlimit(before)

    return deep
