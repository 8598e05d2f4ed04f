"""The second process of `podseal-monitor run`: the alerts of a single machine at its outputs, and the page.

In: on standard input the feed's configuration as one line of JSON, so that it stands in no list of processes, and then
a pipe whose end tells that the sensor has ended. Out: what the outputs do; what the sensor wrote last is delivered
before this process ends. What was not delivered when it was killed is delivered by the next one.
"""

import logging
import select
import sys
import threading
from typing import Final

import msgspec

from runtime_monitor.feed import process, settings
from runtime_monitor.feed.cursors import CursorsError

SECONDS_FOR_LAST_WORDS: Final = 5.0
SECONDS_TO_START: Final = 60.0
"""In which the sensor has loaded its programs, or has said why not, on a busy machine too."""
log = logging.getLogger("podseal.feed")


def made(wanted: settings.Settings) -> process.Feed:
    """The feed; without the page where its address is taken, since alerts matter more."""
    try:
        return process.Feed(wanted)
    except OSError as error:
        if wanted.listen is None:
            raise
        log.warning("%s; alerts are printed, and no page is served: choose another address with --page-bind", error)
        return process.Feed(msgspec.structs.replace(wanted, listen=None))


def main() -> None:
    """The configuration is the first line of standard input."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        found = settings.parse(sys.stdin.buffer.readline(settings.MAX_BYTES), "podseal-monitor run")
    except settings.SettingsError as error:
        log.error("%s", error)  # noqa: TRY400 -- its text says everything
        sys.exit(2)
    logging.getLogger().setLevel(found.log_level.upper())
    try:
        feed = made(found)
    except (CursorsError, OSError) as error:
        # A sensor that cannot write there either has said so, and ends.
        if not select.select([sys.stdin], [], [], SECONDS_TO_START)[0]:
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
