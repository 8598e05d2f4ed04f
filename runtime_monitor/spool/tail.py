"""The end of the write-ahead log: whether commits are in it that SQLite cannot reach any more.

In: the path of the spool. Out: how many frames are lost. SQLite drops everything behind the first frame whose checksum
is wrong and says nothing (https://www.sqlite.org/fileformat2.html#walformat); after a process was killed that is only
what was never acknowledged, but a damaged disk can take acknowledged alerts with it, and that has to be told.
Called by `writer` when it opens the spool.
"""

import struct
from pathlib import Path
from typing import Final

MAGIC: Final = (0x377F0682, 0x377F0683)
HEADER: Final = struct.Struct(">8I")
FRAME: Final = struct.Struct(">6I")


def committed_frames(path: Path) -> int:
    """The number of the last frame that ends a commit of the log's present generation; 0 without a log."""
    try:
        log = path.with_name(path.name + "-wal").open("rb")
    except FileNotFoundError:
        return 0
    with log:
        header = log.read(HEADER.size)
        if len(header) < HEADER.size:
            return 0
        magic, _, page, _, *salt, _, _ = HEADER.unpack(header)
        if magic not in MAGIC:
            return 0
        number = last = 0
        # Frames of an older generation follow the present ones until they are written over: their salt is another one.
        while len(frame := log.read(FRAME.size + page)) == FRAME.size + page:
            _, pages_after_commit, *frame_salt, _, _ = FRAME.unpack_from(frame)
            number += 1
            if frame_salt == salt and pages_after_commit:
                last = number
        return last
