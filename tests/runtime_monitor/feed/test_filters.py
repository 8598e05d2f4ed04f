"""Which alerts an output wants."""

import msgspec
import pytest

from runtime_monitor.alerts import Alert, Priority
from runtime_monitor.feed.filters import Deduplicate, Filter, priority_of

ALERT = Alert(
    id="i",
    time=1,
    rule="Shell in container",
    priority=Priority.WARNING,
    output="o",
    output_fields={"k8s.ns.name": "shop", "k8s.pod.name": "p", "count": 3},
    hostname="n1",
    tags=("container", "shell"),
)
CASES = {
    "an empty filter passes everything": (Filter(), True),
    "as grave as the limit": (Filter(priority="warning"), True),
    "graver than the limit": (Filter(priority="Notice"), True),
    "less grave than the limit": (Filter(priority="ERROR"), False),
    "its rule": (Filter(rules=("Shell in container",)), True),
    "its rule by a pattern": (Filter(rules=("Nothing", "Shell*")), True),
    "another rule": (Filter(rules=("shell in container",)), False),
    "one of its tags": (Filter(tags=("network", "shell")), True),
    "none of its tags": (Filter(tags=("network",)), False),
    "its namespace": (Filter(namespaces=("sho?",)), True),
    "another namespace": (Filter(namespaces=("kube-*",)), False),
    "all lists must fit": (Filter(rules=("Shell*",), namespaces=("other",)), False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_filter(name: str) -> None:
    """One alert, one filter."""
    found, passes = CASES[name]
    assert found.passes(ALERT) is passes


def test_an_alert_of_no_namespace_fits_no_namespace() -> None:
    """The host's own events."""
    host = msgspec.structs.replace(ALERT, output_fields={})
    assert not Filter(namespaces=("*",)).passes(host)
    assert Filter().passes(host)


def test_a_priority_that_is_none_is_refused_with_those_that_are() -> None:
    """Also inside of a configuration, with its place."""
    assert priority_of("info") is Priority.INFORMATIONAL
    with pytest.raises(msgspec.ValidationError, match="'grave' is no priority; one of emergency, alert, critical"):
        msgspec.convert({"priority": "grave"}, Filter)


def test_a_key_is_made_of_fields_and_names() -> None:
    """What is missing is a value too."""
    assert Deduplicate(keys=("rule", "k8s.pod.name", "count", "none", "priority")).key(ALERT) == (
        "Shell in container",
        "p",
        "3",
        "None",
        "Warning",
    )
