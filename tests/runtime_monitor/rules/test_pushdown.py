"""What the kernel may leave out: a demand must be necessary."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from runtime_monitor import events
from runtime_monitor.demands import Clause
from runtime_monitor.rules import globs, pushdown, resolve, tree
from tests.runtime_monitor.rules import given as rules
from tests.runtime_monitor.rules import oracle, strategies

DEMANDS = {
    "evt.type = openat": "every event",
    "evt.type = openat and evt.is_open_write = true": "write",
    "evt.type = openat and evt.is_open_write = true and container.id != host": "write, container",
    "evt.type = openat and not container.id = host": "container",
    "evt.type = openat and container.id = abc": "container",
    "evt.type = openat and fd.num >= 0": "succeeded",
    "evt.type = openat and fd.name in (/a, /b)": "path /a or /b",
    "evt.type = openat and (fd.name startswith /etc/ or fd.directory = /root)": "path /etc/* or /root/*",
    "evt.type = openat and fd.filename = x and fd.name startswith /etc/": "path /etc/*",
    "evt.type = openat and fd.name endswith /x": "path */x",
    "evt.type = openat and fd.name glob /home/*/x": "path /home/*/x",
    "evt.type = openat and fd.name glob /home/x": "path /home/x",
    "evt.type = openat and fd.name glob *x": "path *x",
    "evt.type = openat and fd.name pmatch (/etc, /home/*/x)": "path /etc* or /home*",
    "evt.type = openat and (fd.name = /a or proc.name = x)": "every event",
    "evt.type = openat and not fd.name = /a": "every event",
    "evt.type = openat and (evt.is_open_write = true or container.id != host)": "every event",
    "evt.type = openat and not (evt.is_open_write != true or not fd.name = /a)": "path /a",
    "evt.type = openat and fd.name = val(proc.exepath)": "every event",
    "evt.type = openat and fd.name contains anyof (a, b)": "every event",
    "evt.type = openat and fd.nameraw contains ../": "given with ../",
    "evt.type = openat and fd.nameraw contains ../ and fd.name startswith /etc/": "path /etc/*, given with ../",
    "evt.type = openat and drift.kind = write": "change",
    "evt.type = openat and drift.kind in (write, attempt)": "change",
    "evt.type = openat and drift.kind in (write, exec)": "every event",
    "evt.type = openat and container.id = val(proc.name)": "every event",
}


@pytest.mark.parametrize("condition", DEMANDS)
def test_what_a_condition_demands(condition: str) -> None:
    """For the one event type it has."""
    found = pushdown.of_rule("a", rules.resolved(condition))
    assert {kind: str(clause) for kind, clause in found.types.items()} == {"openat": DEMANDS[condition]}


@settings(max_examples=300, deadline=None)
@given(strategies.conditions, strategies.happenings())
def test_no_event_that_fires_is_left_out(condition: tree.Node, event: events.Event) -> None:
    """Whatever the rule."""
    node = resolve.Resolver(None).node(condition, "")
    if oracle.holds(condition, event):
        clause = pushdown.of_rule("a", node).types[event.evt.type]
        assert _passes(clause, event)


def _passes(clause: Clause, event: events.Event) -> bool:
    """What the kernel would say of an event."""
    name, raw = event.fd.name or "", event.fd.name_raw or ""
    asks: dict[str, Callable[[str], bool]] = {
        "exact": lambda text: name == text,
        "prefix": name.startswith,
        "suffix": name.endswith,
        "name": lambda text: name.rsplit("/", 1)[-1] == text,
        "glob": lambda text: globs.matcher(text)(name),
    }
    return (
        (not clause.write or event.evt.is_open_write is True)
        and (not clause.container or event.container.id not in (None, "host"))
        and (not clause.change or event.drift.kind in ("write", "attempt"))
        and (clause.paths is None or any(asks[path.kind](path.text) for path in clause.paths))
        and (clause.given is None or any(text in raw for text in clause.given))
    )


def test_a_rule_that_needs_everything_outweighs_the_others() -> None:
    """Event type by event type."""
    conditions = ("evt.type in (open, openat) and fd.name = /a", "evt.type = open", "evt.type = open and fd.num >= 0")
    found = pushdown.together(pushdown.of_rule("a", rules.resolved(each)) for each in conditions)
    assert {kind: [str(clause) for clause in clauses] for kind, clauses in found.items()} == {
        "open": ["every event"],
        "openat": ["path /a"],
    }
