"""Names made to get past whoever reads them: very deep, with line breaks, in no encoding."""

import os

from runtime_monitor.selftest.behaviour import behaviour
from runtime_monitor.selftest.stage import HOME, Stage

WRITE = {"drift.kind": "write"}
DEPTH = 1000
LEAF = "at-the-bottom"


def _descend(name: str) -> None:
    """Make a file below `DEPTH` directories of this name; its path is longer than any one call takes."""
    os.chdir(HOME)
    for _ in range(DEPTH):
        os.mkdir(name)
        os.chdir(name)
    os.open(LEAF, os.O_CREAT | os.O_WRONLY)


@behaviour({**WRITE, "fd.name": f"{HOME}/{'d/' * DEPTH}{LEAF}"}, crowded=True)
def deep_path(stage: Stage) -> None:
    """A file 1,000 directories deep."""
    stage.call(lambda: _descend("d"))


@behaviour({**WRITE, "fd.name": lambda name: name.endswith(f"/{LEAF}"), "podseal.path_cut": True}, crowded=True)
def endless_path(stage: Stage) -> None:
    """A path of 200,000 bytes: its end is told, and that it is cut."""
    stage.call(lambda: _descend("e" * 200))


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
