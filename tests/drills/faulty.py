"""`podseal-monitor` with a fault: its transformer `toupper` raises. By itself no rule of the language does.

In: the arguments of `podseal-monitor`. Called by the drill of a rule that raises, as a process of its own.
"""

from typing import NoReturn

import msgspec

from runtime_monitor import cli
from runtime_monitor.rules.transformers import TRANSFORMERS


def fail(_: object) -> NoReturn:
    """What a fault of ours might do."""
    raise RuntimeError("toupper is at fault")


if __name__ == "__main__":
    TRANSFORMERS["toupper"] = msgspec.structs.replace(TRANSFORMERS["toupper"], apply=fail)
    cli.main()
