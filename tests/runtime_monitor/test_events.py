"""Events survive being recorded, and are recorded under Falco's names."""

import json

import msgspec
import pytest

from runtime_monitor.events import PARTS, Ancestor, Call, Container, Event, File, Mount, Process, record, restore

EVENT = Event(
    evt=Call(type="openat", time=5, cpu=1, sequence=9, node="n1", boot="0a0b0c0d", arguments={"flags": "O_WRONLY"}),
    proc=Process(pid=7, name="sh", arguments=("-c", "x"), ancestors=(Ancestor(name="runc"),)),
    fd=File(name="/etc/passwd", type_character="f"),
    container=Container(id="abc", mounts=(Mount("/a", "/b", writable=True),)),
)


def test_an_event_is_the_same_after_a_journey_as_json() -> None:
    """record, JSON, restore."""
    assert restore(json.loads(json.dumps(record(EVENT)))) == EVENT


def test_a_record_has_falcos_names_and_leaves_out_what_is_not_known() -> None:
    """The keys are what rules call the fields."""
    flat = record(EVENT)
    assert flat["proc.name"] == "sh"
    assert flat["fd.name"] == "/etc/passwd"
    assert "k8s.pod.name" not in flat


def test_the_id_names_node_boot_cpu_and_sequence() -> None:
    """Any gap in the sequence of a CPU is visible from ids alone."""
    assert EVENT.id == "n1/0a0b0c0d/1/9"


def test_another_schema_is_refused_by_number() -> None:
    """A reader does not guess what a later version meant."""
    with pytest.raises(ValueError, match="schema 2: this version reads 1"):
        restore({**record(EVENT), "schema": 2})


def test_no_two_parts_share_a_name() -> None:
    """Flat records would lose one of them."""
    names = [each.encode_name for part in PARTS.values() for each in msgspec.structs.fields(part)]
    assert len(names) == len(set(names))
