"""A file."""

import json
import pathlib
import resource

import pytest

from runtime_monitor.feed import output
from runtime_monitor.feed.outputs import file
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(30))


def lines(path: pathlib.Path) -> list[str]:
    """The ids of the alerts in a file."""
    return [json.loads(line)["output_fields"]["podseal.alert_id"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_lines_are_appended(tmp_path: pathlib.Path, keep_alive: bool) -> None:  # noqa: FBT001 -- a table's column
    """To what is there; readable for owner and group alone."""
    made = file.Settings(name="f", path=str(tmp_path / "alerts"), keep_alive=keep_alive).open()
    made.send(ALERTS[:2])
    made.send(ALERTS[2:4])
    made.close()
    assert lines(tmp_path / "alerts") == [alert.id for alert in ALERTS[:4]]
    assert (tmp_path / "alerts").stat().st_mode & 0o777 == 0o640


def test_it_rotates_by_size(tmp_path: pathlib.Path) -> None:
    """The newest is path.1; so many stay."""
    made = file.Settings(name="f", path=str(tmp_path / "alerts"), max_bytes=2500, keep=3).open()
    for alert in ALERTS:
        made.send([alert])
    made.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["alerts", "alerts.1", "alerts.2", "alerts.3"]
    kept = [each for name in reversed(names) for each in lines(tmp_path / name)]
    assert kept == [alert.id for alert in ALERTS[-len(kept) :]]
    assert all((tmp_path / name).stat().st_size <= 2500 for name in names)


def test_it_opens_the_file_anew_when_asked(tmp_path: pathlib.Path) -> None:
    """After logrotate has moved it."""
    made = file.File(file.Settings(name="f", path=str(tmp_path / "alerts")))
    made.send(ALERTS[:1])
    (tmp_path / "alerts").rename(tmp_path / "moved")
    made.send(ALERTS[1:2])
    made.reopen()
    made.send(ALERTS[2:3])
    made.close()
    assert lines(tmp_path / "moved") == [ALERTS[0].id, ALERTS[1].id]
    assert lines(tmp_path / "alerts") == [ALERTS[2].id]


def test_a_half_line_of_a_killed_process_stays_alone(tmp_path: pathlib.Path) -> None:
    """It is no part of the next one."""
    (tmp_path / "alerts").write_text('{"half')
    made = file.Settings(name="f", path=str(tmp_path / "alerts")).open()
    made.send(ALERTS[:1])
    made.close()
    first, second = (tmp_path / "alerts").read_text().splitlines()
    assert first == '{"half'
    assert json.loads(second)["rule"] == ALERTS[0].rule


def test_a_full_disk_leaves_no_half_line(tmp_path: pathlib.Path) -> None:
    """A real limit of the file's size; once there is room everything is written."""
    made = file.Settings(name="f", path=str(tmp_path / "alerts")).open()
    made.send(ALERTS[:2])
    size = (tmp_path / "alerts").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, hard))
    try:
        with pytest.raises(output.UnavailableError, match="File too large"):
            made.send(ALERTS[2:10])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "alerts").stat().st_size == size
    made.send(ALERTS[2:10])
    made.close()
    assert lines(tmp_path / "alerts") == [alert.id for alert in ALERTS[:10]]


def test_a_folder_that_is_not_there_is_told(tmp_path: pathlib.Path) -> None:
    """With the path."""
    with pytest.raises(output.UnavailableError, match=r"none/alerts: No such file"):
        file.Settings(name="f", path=str(tmp_path / "none" / "alerts")).open().send(ALERTS[:1])
