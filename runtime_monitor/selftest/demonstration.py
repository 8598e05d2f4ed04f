"""Plays the behaviours once for a monitor that runs already, so that its feed shows what it sees.

In: nothing. Out: the behaviours' acts, and a line of the log for each that failed; whether they were seen, the alerts
tell. Those that make a crowd of events are left out. Called by `podseal-monitor run --selftest`. A process of its own:
the behaviours fork, which a process with the threads of a sensor must not do.
"""

import contextlib
import itertools
import logging
import signal
import subprocess
import sys
import threading

from runtime_monitor.selftest import container, entry, run
from runtime_monitor.selftest.behaviour import discover
from runtime_monitor.selftest.stage import Stage

SECONDS_TO_END = 15.0
"""More than a behaviour waits for what must come."""
log = logging.getLogger("podseal.selftest")


class Demonstration:
    """The other process; its container is gone at its end, whatever ends it."""

    def __init__(self) -> None:
        # There when the sensor starts: it follows the places of bundles that it finds then.
        container.BUNDLES.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start it; the monitor must watch by now."""
        argv = [sys.executable, "-m", __name__]
        # A session of its own: Ctrl-C is for the monitor, which then calls `end`.
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 -- our own module

    def end(self) -> None:
        """Let it end, before its time if need be."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._process.kill()  # its container goes by itself
        with contextlib.suppress(OSError):
            container.BUNDLES.rmdir()


def main() -> None:
    """Play."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # No exception: it could come up anywhere, and be lost in a finalizer.
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    behaviours = [each for each in discover() if not each.crowded]
    played = 0
    try:
        with container.running(run.configuration(behaviours)) as made:
            stage = Stage(made)
            for each in itertools.takewhile(lambda _: not stopped.is_set(), behaviours):
                try:
                    each.play(stage)
                    played += 1
                except entry.NotHereError as reason:
                    log.info("%s is not played here: %s", each.name, reason)
                except (entry.TriggerError, OSError) as error:
                    log.warning("%s could not be played: %s", each.name, error)
    except OSError as error:
        log.error("nothing is played: %s", error)  # noqa: TRY400 -- its text says everything
        sys.exit(2)
    log.info("%d behaviours were played in %s/%s", played, container.NAMESPACE, container.POD)


if __name__ == "__main__":
    main()
