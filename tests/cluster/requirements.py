"""The one error that says why the test bed cannot run on a machine.

In: nothing. Out: `MissingError`, raised by packages and build, turned by `or_skip` into a skip (or, where nothing may
be skipped, a failure) and by the command line into one line and exit code 2.
"""

import contextlib
import os
from collections.abc import Iterator


class MissingError(Exception):
    """A machine lacks something that the test bed needs; the text is one line with cause and remedy."""


@contextlib.contextmanager
def or_skip() -> Iterator[None]:
    """Skip the test where the machine lacks something, with its reason; fail where nothing may be skipped."""
    try:
        yield
    except MissingError as error:
        import pytest  # noqa: PLC0415 -- the command line, which needs none, imports this module too

        if os.environ.get("PODSEAL_REQUIRE_ALL") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
