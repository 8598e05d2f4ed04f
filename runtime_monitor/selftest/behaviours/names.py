"""Names made to get past whoever reads them: very deep, with line breaks, in no encoding."""

import os

from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

WRITE = {"drift.kind": "write"}
DEPTH = 1000


@behaviour({**WRITE, "fd.name": lambda name: name.endswith("/at-the-bottom"), "podseal.path_cut": True})
def deep_path(stage: Stage) -> None:
    """A file 1,000 directories deep: the path is cut, and says so."""

    def play() -> None:
        os.chdir(HOME)
        for _ in range(DEPTH):
            os.mkdir("d")
            os.chdir("d")
        os.open("at-the-bottom", os.O_CREAT | os.O_WRONLY)

    stage.call(play)


@behaviour({**WRITE, "fd.name": f"{HOME}/line\nbreak\t{{}}"})
def name_with_a_line_break(stage: Stage) -> None:
    """A name that would be two lines of a log."""
    stage.call(lambda: os.open(f"{HOME}/line\nbreak\t{{}}", os.O_CREAT | os.O_WRONLY))


@behaviour(
    {**WRITE, "fd.name": lambda name: name.startswith(f"{HOME}/no-text-") and len(name) > len(f"{HOME}/no-text-")}
)
def name_in_no_encoding(stage: Stage) -> None:
    """A name of bytes that are no UTF-8."""
    stage.call(lambda: os.open(f"{HOME}/no-text-".encode() + b"\xff\xfe\x80", os.O_CREAT | os.O_WRONLY))
