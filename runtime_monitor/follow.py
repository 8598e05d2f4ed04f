"""Prints alerts as they reach the spool: the second process of `podseal-monitor run`.

In: a spool's path and a form; on standard input a pipe whose end tells that the sensor has ended. Out: one line an
alert on standard output, from those of now on; what the sensor wrote last is printed before this one ends.
"""

import os
import select
import sys
import time
from pathlib import Path

import msgspec

from runtime_monitor.alerts import Alert
from runtime_monitor.spool import reader, schema

PAGE = 500
PAUSE_SECONDS = 0.05


def lines(source: reader.Reader, after: int, form: str) -> tuple[list[bytes], int]:
    """The lines of the next alerts, and the number of the last of them."""
    entries = source.after(after, PAGE)
    return [line(entry.alert(), form) for entry in entries], entries[-1].seq if entries else after


def line(alert: Alert, form: str) -> bytes:
    """An alert as Falco prints it: its text, or JSON."""
    return msgspec.json.encode(alert.as_falco()) if form == "json" else alert.output.encode(errors="replace")


def follow(source: reader.Reader, after: int, form: str) -> None:
    """Print until standard input ends."""
    ended = False
    while True:
        try:
            found, after = lines(source, after, form)
        except schema.SpoolError:
            found = []  # the sensor has not made it yet, or is making it anew
        for each in found:
            sys.stdout.buffer.write(each + b"\n")
        sys.stdout.buffer.flush()
        if found:
            continue
        if ended:
            return
        ended = bool(select.select([sys.stdin], [], [], PAUSE_SECONDS)[0])


def newest(source: reader.Reader, path: Path) -> int:
    """The number of the newest alert of now; 0 where there is no spool yet."""
    if not path.exists():
        return 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            return source.last()
        except schema.SpoolError:
            time.sleep(PAUSE_SECONDS)
    return 0


def main() -> None:
    """Arguments: the spool, `text` or `json`."""
    path, form = Path(sys.argv[1]), sys.argv[2]
    source = reader.Reader(path)
    try:
        follow(source, newest(source, path), form)
    except BrokenPipeError:
        # Whoever read has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
