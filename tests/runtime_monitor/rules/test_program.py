"""Programs: values alone, one function for event types that come out alike."""

import msgspec

from runtime_monitor.rules import engine, program
from tests.runtime_monitor.rules import given

RULES = (
    given.rule("a", "evt.type in (open, openat) and fd.name = /x")
    + given.rule("b", "evt.type in (openat, execve) and proc.name = y")
    + given.rule("c", "evt.type = open and evt.num = 0")
)


def test_types_that_come_out_alike_share_a_function() -> None:
    """And what can never be true is in none."""
    built = program.build(given.loaded(RULES))
    assert {group.types: group.rules for group in built.groups} == {
        ("execve",): (1,),
        ("open",): (0,),
        ("openat",): (0, 1),
        ("",): (),
    }
    (alike,) = [g for g in program.build(given.loaded(given.rule("a", "evt.type in (open, openat)"))).groups if g.rules]
    assert alike.types == ("open", "openat")


def test_a_program_survives_another_process_or_a_file() -> None:
    """Nothing in it is a function."""
    built = program.build(given.loaded(RULES), first=False)
    data = msgspec.msgpack.encode(built)
    again = msgspec.msgpack.decode(data, type=program.Program)
    assert again == built
    (alert,) = engine.Engine(again).judge(given.event("openat", fd__name="/x"))
    assert alert.rule == "a"


def test_a_condition_that_binds_no_type_is_compiled_once() -> None:
    """One function for all types, the unknown ones too."""
    built = program.build(given.loaded(given.rule("a", "proc.name = x", warn_evttypes="false")))
    (only,) = built.groups
    assert {"open", "execve", program.OTHER} <= set(only.types)
