"""The second process of `run`: prints what reaches the spool, to the last line, and ends with the first process."""

import itertools
import json
import pathlib
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import urllib3

from runtime_monitor.spool import writer
from tests import waiting
from tests.runtime_monitor import generated, parts


@pytest.fixture
def spool(tmp_path: pathlib.Path) -> Iterator[writer.Writer]:
    """A spool that a sensor writes."""
    made = writer.Writer(tmp_path / "spool.db")
    yield made
    made.close()


def started(path: pathlib.Path, form: str, bind: str = "") -> subprocess.Popen[str]:
    """The process, as `run` starts it."""
    output = {"name": "run", "type": "stdout", "format": form, "start": "newest"}
    listen = {"address": bind} if bind else None
    told = {"spool": str(path), "state": str(path.parent / "feed"), "listen": listen, "outputs": [output]}
    return configured(json.dumps(told))


def configured(told: str) -> subprocess.Popen[str]:
    """The process with any configuration."""
    argv = [sys.executable, "-m", "runtime_monitor.feed.child"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(told + "\n")
    process.stdin.flush()
    return process


def ids(printed: str) -> list[str]:
    """The ids of printed alerts."""
    return [json.loads(line)["output_fields"]["podseal.alert_id"] for line in printed.splitlines()]


def test_what_comes_is_printed_until_the_input_ends(spool: writer.Writer, tmp_path: pathlib.Path) -> None:
    """From the start of the process on; what was written last is not lost."""
    spool.append([generated.alert(0)])
    with started(tmp_path / "spool.db", "json") as process:
        assert process.stdout is not None
        # From when on it looks is not to be known from here: alerts come until one is printed.
        numbers = itertools.count(1)
        while not select.select([process.stdout], [], [], 0.05)[0]:
            spool.append([generated.alert(next(numbers))])
        spool.append([generated.alert(100_000)])
        rest, _ = process.communicate()
    printed = ids(rest)
    assert printed[-1] == generated.alert(100_000).id
    assert generated.alert(0).id not in printed
    assert len(printed) == len(set(printed))


def answers(port: int) -> bool:
    """Whether a page is served there."""
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_a_spool_that_comes_later_is_printed_whole(tmp_path: pathlib.Path) -> None:
    """The sensor is still starting when this process looks."""
    port = parts.free_port()
    with started(tmp_path / "spool.db", "text", f"127.0.0.1:{port}") as process:
        waiting.until(lambda: answers(port), "the process to start", 120)
        made = writer.Writer(tmp_path / "spool.db")
        made.append(generated.stream(3))
        rest, _ = process.communicate()
        made.close()
    assert len(rest.splitlines()) == 3


def test_the_page_is_served_where_its_address_is_free(spool: writer.Writer, tmp_path: pathlib.Path) -> None:
    """Where it is taken, alerts are printed all the same."""
    spool.append([generated.alert(0)])
    port = parts.free_port()
    with started(tmp_path / "spool.db", "json", f"127.0.0.1:{port}") as process:
        waiting.until(lambda: answers(port), "the page", 120)
        process.communicate()
        assert process.returncode == 0
    with socket.create_server(("127.0.0.1", port)), started(tmp_path / "spool.db", "json", f"127.0.0.1:{port}") as late:
        spool.append([generated.alert(1)])
        printed, log = late.communicate()
    assert "no page is served: choose another address" in log
    assert generated.alert(1).id in ids(printed)


def test_a_configuration_that_cannot_be_used_is_one_line() -> None:
    """And exit 2."""
    with configured('{"outputs": [{"type": "no"}]}') as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.wait(120) == 2
        assert "ERROR podseal.feed: podseal-monitor run: type 'no' is none of" in process.stderr.read()
