"""The one error that says why the test bed cannot run on a machine.

In: nothing. Out: `MissingError`, raised by packages and build, turned by conftest into a skip (or, where nothing may be
skipped, a failure) and by the command line into one line and exit code 2.
"""


class MissingError(Exception):
    """A machine lacks something that the test bed needs; the text is one line with cause and remedy."""
