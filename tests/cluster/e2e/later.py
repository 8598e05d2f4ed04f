"""`podseal serve` on another day: the first argument is by how many days its clock is ahead, the rest is podseal's.

In: a command line. Out: a webhook that decides as it will then. Started by the tests of what ends by itself.
"""

import sys
from datetime import datetime, timedelta, tzinfo
from typing import Self

from webhook import cli, serve

AHEAD = timedelta(days=int(sys.argv.pop(1)))


class Later(datetime):
    """The time of `AHEAD` from now."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Its now."""
        return cls.fromtimestamp((datetime.now(tz) + AHEAD).timestamp(), tz)


if __name__ == "__main__":
    setattr(serve, "datetime", Later)  # noqa: B010 -- mypy refuses the assignment that this program is for
    cli.main()
