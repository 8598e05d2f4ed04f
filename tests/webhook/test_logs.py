"""Log lines: one JSON object each, whatever is in them, and no flood."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The configured stream; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    found = io.StringIO()
    logs.configure("info", found)
    yield found
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_its_fields(stream: io.StringIO) -> None:
    """Fields come beside the message, not inside it; below the level nothing comes."""
    logging.getLogger("podseal.x").info("denied %s", "web", extra={"fields": {"uid": "u1", "findings": [1]}})
    logging.getLogger("podseal.x").debug("nobody asked")
    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "logger": "podseal.x", "message": "denied web", "uid": "u1", "findings": [1]}


def test_an_exception_stays_on_its_line(stream: io.StringIO) -> None:
    """With its traceback, as one string."""
    try:
        _ = 1 / len(lines(stream))
    except ZeroDivisionError:
        logging.getLogger("podseal.x").exception("failed")
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]


@given(st.text(alphabet=st.characters(), max_size=40), st.text(alphabet=st.characters(), max_size=40))
def test_nothing_breaks_out_of_its_line(message: str, value: str) -> None:
    """Line breaks, control characters and lone surrogates are escaped."""
    record = logging.makeLogRecord({"msg": message, "args": (), "levelname": "INFO", "fields": {"value": value}})
    text = logs.JsonFormatter().format(record)
    assert len(text.splitlines()) == 1 or "\n" not in text
    assert "value" in json.loads(text)


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        """The time that the test has set."""
        return self.now


def warn(error: BaseException | None = None) -> logging.LogRecord:
    """A warning as gunicorn gives it for a broken handshake, or an error for a connection that broke."""
    info = (type(error), error, None) if error else None
    level = logging.ERROR if error else logging.WARNING
    return logging.makeLogRecord({"msg": "Invalid request from ip=1", "levelno": level, "exc_info": info})


@pytest.mark.parametrize("error", [None, TimeoutError("slow"), ConnectionResetError("gone")])
def test_a_flood_is_cut_and_counted(error: BaseException | None) -> None:
    """So many in a window; the next window's first says how many were dropped."""
    clock = Clock()
    flood = logs.FloodFilter(clock)
    passed = sum(bool(flood.filter(warn(error))) for _ in range(1000))
    assert passed == logs.FLOOD_MESSAGES
    clock.now += logs.FLOOD_SECONDS
    following = warn(error)
    assert flood.filter(following)
    assert following.__dict__["fields"] == {"similar_dropped": 1000 - logs.FLOOD_MESSAGES}


def test_bugs_and_denials_are_never_dropped() -> None:
    """The filter is about what strangers can cause."""
    flood = logs.FloodFilter(Clock())
    for _ in range(100):
        assert flood.filter(logging.makeLogRecord({"msg": "denied", "levelno": logging.INFO}))
        bug = ZeroDivisionError()
        record = {"msg": "decision failed", "levelno": logging.ERROR, "exc_info": (type(bug), bug, None)}
        assert flood.filter(logging.makeLogRecord(record))
