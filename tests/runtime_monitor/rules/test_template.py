"""Outputs of rules."""

import pytest

from runtime_monitor.rules import resolve, template
from runtime_monitor.rules.problems import ConditionError
from tests.runtime_monitor.rules import given

EVENT = given.event(
    "execve",
    proc__name="bash",
    proc__argv=["-c", "x"],
    proc__tty=0,
    container__privileged=True,
    proc__ancestors=[{"name": "runc"}, {}],
    evt__args={"flags": "A|B"},
    cp__paths=["/a", "/b"],
)

RENDERED = {
    "plain": "plain",
    "%proc.name": "bash",
    "a=%proc.name, b=%proc.tty.": "a=bash, b=0.",
    "*%fd.name": "<NA>",
    "%proc.aname[1]/%proc.aname[2]/%proc.aname[9]": "runc/<NA>/<NA>",
    "%proc.aname": "runc",
    "%evt.arg.flags %evt.arg[flags] %evt.arg.none": "A|B A|B <NA>",
    "%container.privileged": "true",
    "[%8proc.name] [%2proc.name]": "[bash    ] [ba]",
    "%toupper(proc.name) %len(proc.name)": "BASH 4",
    "100%% of %proc.name": "100% of bash",
    "%cp.paths": "(/a,/b)",
    "%evt.time %evt.time.s %evt.rawtime": "14:13:20.123456789 14:13:20 1790000000123456789",
    "%evt.time.iso8601 %evt.datetime": "2026-09-21T14:13:20.123456789Z 2026-09-21 14:13:20.123456789",
    "gggparent=%proc.aname[2] aname[4]=%proc.cmdline": "gggparent=<NA> aname[4]=bash -c x",
}


def _compiled(text: str, further: tuple[tuple[str, str | None], ...] = ()) -> template.Template:
    return template.compile_output(text, resolve.Resolver(None), further)


@pytest.mark.parametrize("text", RENDERED)
def test_an_output_is_rendered(text: str) -> None:
    """Unknown values as <NA>."""
    assert _compiled(text).render(EVENT) == RENDERED[text]


def test_the_fields_of_an_output_are_an_object() -> None:
    """With `evt.time` in nanoseconds; null stays null; of a transformed field the inner one appears."""
    values = _compiled("%proc.name %toupper(proc.pname) %fd.name %evt.time %cp.paths").values(EVENT)
    assert values == {
        "evt.time": 1_790_000_000_123_456_789,
        "proc.name": "bash",
        "proc.pname": "runc",
        "fd.name": None,
        "cp.paths": ["/a", "/b"],
    }


def test_further_fields_are_no_part_of_the_text() -> None:
    """A field keeps its type; a text is rendered; the last of a name counts."""
    compiled = _compiled("%proc.name", (("proc.aname[2]", None), ("cp.paths", None), ("note", "by %proc.name, 100%%")))
    assert compiled.render(EVENT) == "bash"
    assert compiled.values(EVENT) == {
        "evt.time": 1_790_000_000_123_456_789,
        "proc.name": "bash",
        "proc.aname[2]": None,
        "cp.paths": ["/a", "/b"],
        "note": "by bash, 100%",
    }


@pytest.mark.parametrize(
    "text", ["%", "50% off", "%nonsense", "%proc.nmae", "%99999proc.name", "%proc.aname[", "%tolower(x)", "x" * 70_000]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    """When the rule is loaded, not when it fires."""
    with pytest.raises(ConditionError):
        _compiled(text)
