"""The process that compiles rules for `reload`: small, started before the first event, and asked by a pipe.

In: on standard input requests, out: on standard output replies, each a frame of MessagePack (`frames`). Started by
`reload.Reloader`, so that a reload costs the event loop no start of a process: on a busy machine that alone was seen
to take a second. Nothing is imported here but what a bare Python has; each request is answered by a fork, whose memory
goes with it. It ends with its standard input, so with the monitor at the latest.
"""

import os
import sys
from typing import BinaryIO

from runtime_monitor import frames

FAILED = b""
"""The reply where the fork ended otherwise than by an answer."""
NICENESS = 10
"""A reload may take its time; the events of the node may not (nice(2))."""


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    while len(head := requests.read(frames.HEAD)) == frames.HEAD:
        data = requests.read(int.from_bytes(head, "big"))
        child = os.fork()
        if child == 0:
            _answer(data, replies)
        _, status = os.waitpid(child, 0)
        if status:
            replies.write(frames.framed(FAILED))
            replies.flush()


def _answer(data: bytes, replies: BinaryIO) -> None:
    """In the fork: write the reply and end, whatever happens."""
    status = 1
    try:
        os.nice(NICENESS)
        from runtime_monitor import reload  # noqa: PLC0415 -- only the fork pays for what this imports

        replies.write(frames.framed(reload.answered(data)))
        replies.flush()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
