"""The second process of `podseal-monitor run`: the alerts of a single machine on standard output, and the page.

In: the spool, the form of lines and the page's address (empty = none) as arguments; on standard input a pipe whose end
tells that the sensor has ended. Out: a line an alert, from those of now on; what the sensor wrote last is printed
before this process ends. What was not printed when it was killed is printed by the next one.
"""

import logging
import select
import sys
import threading
from pathlib import Path
from typing import Final

import msgspec

from runtime_monitor.feed import process
from runtime_monitor.feed.cursors import CursorsError
from runtime_monitor.feed.outputs import stdout
from runtime_monitor.feed.settings import Listen, Settings

SECONDS_FOR_LAST_WORDS: Final = 5.0
log = logging.getLogger("podseal.feed")


def configured(spool: Path, form: str, bind: str) -> Settings:
    """The feed of a single machine; its own positions are beside the spool."""
    printed = msgspec.convert({"name": "run", "format": form, "start": "newest"}, stdout.Settings)
    listen = Listen(address=bind) if bind else None
    return Settings(spool=str(spool), state=str(spool.parent / "feed"), listen=listen, outputs=(printed,))


def made(settings: Settings) -> process.Feed:
    """The feed; without the page where its address is taken, since alerts matter more."""
    try:
        return process.Feed(settings)
    except OSError as error:
        if settings.listen is None:
            raise
        log.warning("%s; alerts are printed, and no page is served: choose another address with --page-bind", error)
        return process.Feed(msgspec.structs.replace(settings, listen=None))


def main() -> None:
    """Arguments: the spool, `text` or `json`, HOST:PORT or nothing."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        feed = made(configured(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
    except (CursorsError, OSError) as error:
        # A sensor that cannot write there either has said so, and ends.
        if not select.select([sys.stdin], [], [], SECONDS_FOR_LAST_WORDS)[0]:
            log.error("%s", error)  # noqa: TRY400 -- its text says everything
        sys.exit(2)

    def end_with_the_sensor() -> None:
        sys.stdin.buffer.read()
        feed.drain(SECONDS_FOR_LAST_WORDS)
        feed.stop()

    threading.Thread(target=end_with_the_sensor, daemon=True).start()
    feed.run()


if __name__ == "__main__":
    main()
