"""What is put behind outputs, seen in alerts."""

import msgspec
import pytest

from runtime_monitor.rules import additions, engine, program
from runtime_monitor.rules.additions import SUGGESTED, Addition
from tests.runtime_monitor.rules import given

RULES = given.rule("one", "evt.type = open", output="'seen %proc.name in %container.id'", tags="[a, b]")
HAPPENED = given.event("open", proc__name="sh", container__id="abc", k8s__pod__name="shop-1")


def alert(*added: Addition) -> tuple[str, dict[str, object]]:
    """What the rule tells with these additions, after a way through another process."""
    loaded = given.loaded(RULES, additions=added)
    assert not loaded.problems
    data = msgspec.msgpack.encode(program.build(loaded))
    running = engine.Engine(msgspec.msgpack.decode(data, type=program.Program))
    (told,) = running.judge(HAPPENED)
    return told.output.partition("Warning ")[2], told.output_fields


def test_suggested_fields_come_behind_unless_they_are_there() -> None:
    """Named with underscores, as Falco's container plugin suggests them."""
    text, fields = alert(SUGGESTED)
    assert text == (
        "seen sh in abc container_name=<NA> container_image_repository=<NA> container_image_tag=<NA> "
        "k8s_pod_name=shop-1 k8s_ns_name=<NA>"
    )
    assert fields["k8s.pod.name"] == "shop-1"


def test_texts_and_fields_of_one_s_own() -> None:
    """In their order; fields are in no text; the last of a name counts; a percent sign of a text is one."""
    cpu = Addition(output="on CPU %evt.cpu", fields=(("evt.cpu", None), ("where", "first")))
    where = Addition(output="| %k8s.pod.name", fields=(("where", "in %k8s.pod.name, 100%%"), ("proc.vpid", None)))
    text, fields = alert(cpu, where)
    assert text == "seen sh in abc on CPU 0 | shop-1"
    assert (fields["evt.cpu"], fields["where"], fields["proc.vpid"]) == (0, "in shop-1, 100%", None)
    assert fields["k8s.pod.name"] == "shop-1"


def test_nothing_is_added_unless_it_is_asked_for() -> None:
    """The output as the rule has it."""
    assert alert()[0] == "seen sh in abc"


@pytest.mark.parametrize(
    ("addition", "counts"),
    [
        (Addition(), True),
        (Addition(source="syscall"), True),
        (Addition(source="k8s_audit"), False),
        (Addition(tags=frozenset("a")), True),
        (Addition(tags=frozenset("ab")), True),
        (Addition(tags=frozenset("abc")), False),
        (Addition(rule="one"), True),
        (Addition(rule="on"), False),
        (Addition(source="syscall", tags=frozenset("a"), rule="two"), False),
    ],
)
def test_an_entry_counts_where_all_fits_that_it_says(addition: Addition, counts: bool) -> None:  # noqa: FBT001 -- a table
    """Source, all of its tags, the whole name."""
    assert bool(additions.of_rule((addition,), "one", "syscall", ("a", "b"))) is counts
    said = msgspec.structs.replace(addition, output="added")
    assert alert(said)[0].endswith("added") is counts
