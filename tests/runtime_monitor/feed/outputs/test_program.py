"""A program."""

import json
import pathlib
import sys

import pytest

from runtime_monitor.feed import output
from runtime_monitor.feed.outputs import program
from tests import waiting
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(12))


def python(text: str, *arguments: str) -> tuple[str, ...]:
    """A command line."""
    return (sys.executable, "-c", text, *arguments)


COPY = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
COPY_LINES = "import sys\nfor line in sys.stdin: open(sys.argv[1], 'a').write(line)"


def ids(path: pathlib.Path) -> list[str]:
    """The ids of the alerts that a program wrote down."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line)["output_fields"]["podseal.alert_id"] for line in text.splitlines()]


def test_a_process_for_each_alert(tmp_path: pathlib.Path) -> None:
    """It gets the line on standard input and has to end well."""
    made = program.Settings(name="p", command=python(COPY, str(tmp_path / "out"))).open()
    for alert in ALERTS[:3]:
        made.send([alert])
    assert ids(tmp_path / "out") == [alert.id for alert in ALERTS[:3]]
    made.close()


def test_one_process_for_all(tmp_path: pathlib.Path) -> None:
    """It stays, and reads what is left when it is closed."""
    made = program.Settings(name="p", keep_alive=True, command=python(COPY_LINES, str(tmp_path / "out"))).open()
    made.send(ALERTS[:5])
    made.send(ALERTS[5:])
    waiting.until(lambda: len(ids(tmp_path / "out")) == 12, "the program to write")
    made.close()
    assert ids(tmp_path / "out") == [alert.id for alert in ALERTS]


@pytest.mark.parametrize("alert", generated.hostile(), ids=lambda alert: alert.id)
def test_hostile_contents_never_reach_a_command_line(tmp_path: pathlib.Path, alert: object) -> None:
    """Not even where a shell was asked for: they come on standard input, a line each."""
    assert isinstance(alert, type(ALERTS[0]))
    marker = tmp_path / "injected"
    line = f"cat >> {tmp_path / 'out'}; echo $0 $@ $# >> {tmp_path / 'args'}"
    made = program.Settings(name="p", shell=line).open()
    made.send([alert])
    made.close()
    (line,) = (tmp_path / "out").read_text().splitlines()
    assert json.loads(line)["output"] == alert.output.encode("utf-8", "replace").decode()
    assert (tmp_path / "args").read_text() == "/bin/sh 0\n"
    assert not marker.exists()
    assert not pathlib.Path("/tmp/podseal-injected").exists()  # noqa: S108 -- what a hostile text would touch


FAILURES = {
    "it fails": ("raise SystemExit(3)", output.UnavailableError, "exit code 3"),
    "it refuses the alert for good": ("raise SystemExit(65)", output.RejectedError, "exit code 65"),
    "it never ends": ("import time; time.sleep(60)", output.UnavailableError, "did not end within 0.3 s"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    """Each with its reason; nothing of it is left running."""
    text, error, told = FAILURES[name]
    made = program.Settings(name="p", command=python(text), timeout_seconds=0.3 if "never" in name else 30).open()
    with pytest.raises(error, match=told):
        made.send(ALERTS[:1])
    assert isinstance(made, program.Program)
    assert made._process is None


def test_a_program_that_reads_nothing_is_ended(tmp_path: pathlib.Path) -> None:
    """Once its pipe is full; the next alert starts it anew."""
    settings = program.Settings(
        name="p", keep_alive=True, command=python("import time; time.sleep(600)"), timeout_seconds=0.2
    )
    made = settings.open()
    with pytest.raises(output.UnavailableError, match=r"read nothing for 0\.2 s"):
        made.send(ALERTS * 100)
    made.close()
    del tmp_path


def test_a_program_that_ended_is_told(tmp_path: pathlib.Path) -> None:
    """With its exit code; so is one that is not there."""
    made = program.Program(program.Settings(name="p", keep_alive=True, command=python("raise SystemExit(4)")))
    made._running()
    assert made._process
    made._process.wait()
    with pytest.raises(output.UnavailableError, match="ended with exit code 4"):
        made.send(ALERTS[:1])
    with pytest.raises(output.UnavailableError, match="No such file"):
        program.Settings(name="p", command=(str(tmp_path / "none"),)).open().send(ALERTS[:1])
