"""`podseal-monitor feed`: read the spool, deliver its alerts, serve the page.

In: a configuration, or options for the most usual one. Out: it runs until it is told to end; exit code 2 where it
cannot run as it is configured.
"""

import logging
import sys
from pathlib import Path

import click
import msgspec

from runtime_monitor.feed import settings as configuration
from runtime_monitor.feed.cursors import CursorsError
from runtime_monitor.feed.http.guard import ConfigurationError
from runtime_monitor.feed.process import Feed
from runtime_monitor.feed.reloading import Source


@click.command("feed")
@click.option("--config", type=click.Path(path_type=Path), help="The feed's YAML configuration.")
@click.option("--spool", help="The spool that a sensor writes.")
@click.option("--state", help="A folder for the feed's own positions.")
@click.option("--bind", metavar="HOST:PORT", help="Where the API and the page are served; `off` for nowhere.")
def command(config: Path | None, spool: str | None, state: str | None, bind: str | None) -> None:
    """Deliver the alerts of a spool to the outputs, and serve them to people.

    Outputs are read anew when the configuration's file changes, and on SIGHUP; a broken file leaves those in force that
    were.
    """

    def read() -> configuration.Settings:
        settings = configuration.read(config) if config else configuration.Settings()
        listen = settings.listen
        if bind is not None:
            given = listen or configuration.Listen()
            listen = None if bind == "off" else msgspec.structs.replace(given, address=bind)
        return msgspec.structs.replace(
            settings, spool=spool or settings.spool, state=state or settings.state, listen=listen
        )

    try:
        settings = read()
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        feed = Feed(settings, Source(config, read) if config else None)
    except (configuration.SettingsError, CursorsError, ConfigurationError, OSError) as error:
        sys.stderr.write(f"podseal-monitor feed: {error}\n")
        sys.exit(2)
    feed.run()
