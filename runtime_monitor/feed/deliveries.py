"""The deliveries of one feed, a thread each, and how others take their places while alerts come.

In: the outputs' settings. Out: running deliveries. Called by `process`. An output that stays as it is goes on
undisturbed; of one that is changed the old delivery has ended before the new one begins behind its position.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

from runtime_monitor.feed.delivery import Context, Delivery
from runtime_monitor.feed.output import Settings

SECONDS_TO_END: Final = 10.0


class Deliveries:
    """All of them, by name.

    Raises:
        OSError: one cannot be opened.
    """

    def __init__(self, outputs: Iterable[Settings], context: Context) -> None:
        self._context = context
        self._running = self._opened(outputs)
        self._change = threading.Lock()

    def __iter__(self) -> Iterator[Delivery]:
        """Those of now."""
        return iter(list(self._running.values()))

    def start(self) -> None:
        """Begin to deliver."""
        for each in self:
            each.start()

    def use(self, outputs: Iterable[Settings]) -> tuple[int, int]:
        """Bring other outputs into force; how many are new or changed, and how many have gone.

        Waits for what those that go are sending just now.

        Raises:
            OSError: a new one cannot be opened; nothing has changed then.
        """
        with self._change:
            wanted = {each.name: each for each in outputs}
            kept = {name: each for name, each in self._running.items() if wanted.get(name) == each.settings}
            opened = self._opened(each for name, each in wanted.items() if name not in kept)
            leaving = [each for name, each in self._running.items() if name not in kept]
            for each in leaving:
                each.stop(0)
            for each in leaving:
                each.stop(None)
            self._running = {name: kept.get(name) or opened[name] for name in wanted}
            for each in opened.values():
                each.start()
            return len(opened), len([each for each in leaving if each.name not in wanted])

    def end(self) -> None:
        """All at once, so that one that is stuck takes no time from the others."""
        ending = [threading.Thread(target=each.stop, args=(SECONDS_TO_END,)) for each in self]
        for thread in ending:
            thread.start()
        deadline = time.monotonic() + SECONDS_TO_END
        for thread in ending:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _opened(self, outputs: Iterable[Settings]) -> dict[str, Delivery]:
        made: dict[str, Delivery] = {}
        try:
            for each in outputs:
                made[each.name] = Delivery(each, self._context)
        except BaseException:
            for delivery in made.values():
                delivery.output.close()
            raise
        return made
