"""The filters of a URL."""

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor.alerts import Priority
from runtime_monitor.feed.http import selection
from runtime_monitor.spool.reader import Query, Reader
from runtime_monitor.spool.writer import Writer
from tests.runtime_monitor import generated

ALERTS = list(generated.stream(80))
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "priority": st.sampled_from(["critical", "Error", "info", "debug"]),
        "rule": st.sampled_from(["Read*", "*file*", "Shell in container", "?ead sensitive file", "[R]*", "x"]),
        "namespace": st.sampled_from(["shop", "default", "none"]),
        "pod": st.sampled_from(["shop-*", "*-api-3", "x"]),
        "user": st.sampled_from(["alice@example.com", "root"]),
        "since": st.sampled_from(["1764133810", "2025-11-26T05:10:10.3Z"]),
        "until": st.sampled_from(["2025-11-26T06:10:10.5+01:00"]),
    },
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A spool with 80 alerts."""
    path: pathlib.Path = tmp_path_factory.mktemp("selection") / "spool.db"
    writer = Writer(path)
    writer.append(ALERTS)
    writer.close()
    return Reader(path)


@given(parameters=PARAMETERS)
def test_the_stream_chooses_as_the_spool_does(reader: Reader, parameters: dict[str, str]) -> None:
    """One query, two ways."""
    query = selection.read(parameters)
    found = [entry.alert() for entry in reader.page(query, limit=1000).entries]
    assert found == [alert for alert in reversed(ALERTS) if selection.fits(query, alert)]


def test_no_parameters_choose_everything() -> None:
    """The default of both."""
    assert selection.read({}) == Query()
    assert selection.read({"priority": "", "rule": ""}).priority is Priority.DEBUG


def test_times_may_be_seconds_or_rfc_3339() -> None:
    """Nanoseconds in the query."""
    assert selection.read({"since": "1764133810"}).since == 1_764_133_810_000_000_000
    assert selection.read({"since": "2025-11-26T05:10:10Z"}).since == 1_764_133_810_000_000_000
    assert selection.read({"since": "2025-11-26T05:10:10"}).since == 1_764_133_810_000_000_000


def test_numbers_are_bounded() -> None:
    """By the highest allowed one."""
    assert selection.number({"limit": "5000"}, "limit", 100, 1000) == 1000
    assert selection.number({}, "limit", 100, 1000) == 100
    with pytest.raises(selection.ParameterError, match="limit: '\uff11' is no number"):
        selection.number({"limit": "\uff11"}, "limit", 100, 1000)
