"""The process that compiles, over real pipes."""

import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import msgspec
import pytest

from runtime_monitor import frames, reload

Process = subprocess.Popen[bytes]


@pytest.fixture
def process() -> Iterator[Process]:
    """One of its own."""
    command = [sys.executable, "-m", "runtime_monitor.compiler"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as found:
        yield found
        found.kill()


def _pipes(process: Process) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def _asked(process: Process, request: bytes) -> bytes:
    requests, replies = _pipes(process)
    requests.write(frames.framed(request))
    requests.flush()
    return replies.read(int.from_bytes(replies.read(frames.HEAD), "big"))


def test_each_request_gets_its_reply(process: Process) -> None:
    """One after the other, by the same process; a request that is none gets an empty one."""
    own = msgspec.msgpack.encode(reload.Request(()))
    for _ in range(2):
        reply = msgspec.msgpack.decode(_asked(process, own), type=reload.Reply)
        assert reply.program is not None
        assert _asked(process, b"\xff") == b""


def test_it_ends_with_its_standard_input(process: Process) -> None:
    """So with the monitor at the latest."""
    requests, replies = _pipes(process)
    requests.close()
    assert replies.read() == b""
    assert process.wait(60) == 0


def test_nothing_is_imported_before_it_is_asked() -> None:
    """It waits all the time, so it must be small."""
    code = "import sys, runtime_monitor.compiler; print('msgspec' in sys.modules or 'yaml' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output == "False\n"
